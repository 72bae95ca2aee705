import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AckWindow } from './ack-window.ts';

const settled = (...tags: number[]) => {
  const window = new AckWindow();
  for (const tag of tags) window.settle(tag);
  return window;
};

describe('acknowledgements', () => {
  test('there are none when nothing is settled', () => {
    expect(new AckWindow().take()).toEqual({ upTo: undefined, single: [] });
  });

  test('what is settled without a gap is one, in whatever order it was settled', () => {
    expect(settled(3, 1, 2).take()).toEqual({ upTo: 3, single: [] });
  });

  test('what is settled behind a gap is acknowledged by itself, and once', () => {
    const window = settled(1, 3, 4);
    expect(window.take()).toEqual({ upTo: 1, single: [3, 4] });
    expect(window.take()).toEqual({ upTo: undefined, single: [] });
    window.settle(2);
    expect(window.take()).toEqual({ upTo: 2, single: [] });
    window.settle(5);
    expect(window.take()).toEqual({ upTo: 5, single: [] });
  });

  test('each tag is acknowledged once, and upTo is never one that was', () => {
    const steps = fc.shuffledSubarray(
      Array.from({ length: 40 }, (_, n) => n + 1),
      { minLength: 40 },
    );
    fc.assert(
      fc.property(steps, fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }), (tags, takesAfter) => {
        const window = new AckWindow();
        const waiting = new Set(tags);
        const isSettled = new Set<number>();
        const acknowledge = (tag: number) => {
          expect(isSettled.has(tag)).toBe(true);
          expect(waiting.delete(tag)).toBe(true);
        };
        const take = () => {
          const { upTo, single } = window.take();
          if (upTo !== undefined) {
            expect(waiting.has(upTo)).toBe(true);
            for (const tag of [...waiting]) if (tag <= upTo) acknowledge(tag);
          }
          single.forEach(acknowledge);
        };
        tags.forEach((tag, n) => {
          window.settle(tag);
          isSettled.add(tag);
          if (takesAfter[n]) take();
        });
        take();
        expect(waiting.size).toBe(0);
      }),
    );
  });
});
