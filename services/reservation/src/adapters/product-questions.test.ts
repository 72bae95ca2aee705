import { describe, expect, jest, test } from '@jest/globals';
import { newId } from '@flash-sale/shared/ids.ts';
import { ProductQuestions } from './product-questions.ts';

function anInventory(...existing: string[]) {
  const asked: string[][] = [];
  const post = (_service: string, _path: string, body: unknown) => {
    const { ids } = body as { ids: string[] };
    asked.push(ids);
    return Promise.resolve({ known: ids.filter((id) => existing.includes(id)) });
  };
  return { asked, questions: new ProductQuestions({ post }) };
}

describe('whether products are missing', () => {
  test('is what the inventory says; many are asked for at once, each once', async () => {
    const [lamp, nothing] = [newId(), newId()];
    const { asked, questions } = anInventory(lamp);
    const ids = [lamp, nothing, lamp, nothing];
    expect(await Promise.all(ids.map((id) => questions.isMissing(id)))).toEqual([false, true, false, true]);
    expect(asked).toEqual([[lamp, nothing]]);
  });

  test('a thousand made-up ids are few questions', async () => {
    const { asked, questions } = anInventory();
    await Promise.all(Array.from({ length: 1_000 }, () => questions.isMissing(newId())));
    expect(asked).toHaveLength(4);
  });

  test('one that is missing is asked for again after a second, one that exists each time', async () => {
    const clock = jest.spyOn(performance, 'now').mockReturnValue(1_000);
    try {
      const [lamp, nothing] = [newId(), newId()];
      const { asked, questions } = anInventory(lamp);
      const look = async () => {
        for (const id of [lamp, nothing]) await questions.isMissing(id);
      };
      await look();
      clock.mockReturnValue(1_999);
      await look();
      expect(asked).toEqual([[lamp], [nothing], [lamp]]);
      clock.mockReturnValue(2_000);
      await look();
      expect(asked).toHaveLength(5);
    } finally {
      clock.mockRestore();
    }
  });

  test.each([
    ['cannot be asked', () => Promise.reject(new Error('away'))],
    ['answers something else', () => Promise.resolve({})],
  ])('nobody knows when the inventory %s', async (_what, post) => {
    expect(await new ProductQuestions({ post }).isMissing(newId())).toBe(false);
  });
});
