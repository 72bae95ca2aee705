import { describe, expect, test } from '@jest/globals';
import type { GetMessage } from 'amqplib';
import { deadLetterOf, type DeadLetter } from './dead-letter.ts';
import { description, listing, report } from './print.ts';
import { isSelected } from './selection.ts';

const aMessage = (properties: object) => ({ properties, content: Buffer.from('{"a":1}') }) as unknown as GetMessage;
const aLetter = (given: Partial<DeadLetter> = {}): DeadLetter => ({
  service: 'order',
  id: '1',
  type: 'stock.held',
  reason: 'why',
  firstFailure: '2030-06-01T12:00:00.000Z',
  retries: 0,
  stack: undefined,
  content: '{}',
  ...given,
});

describe('a dead letter', () => {
  test('is read from what its service has written on it', () => {
    const headers = {
      'x-reason': 'broken',
      'x-stack': 'Error: broken',
      'x-original-type': 'stock.held',
      'x-first-failure': '2030-06-01T12:00:00.000Z',
      'x-retry-count': 3,
    };
    expect(deadLetterOf(aMessage({ messageId: '1', headers }), 'order')).toEqual(
      aLetter({ reason: 'broken', stack: 'Error: broken', retries: 3, content: '{"a":1}' }),
    );
  });

  test('is read from what the broker has written on it, or nobody', () => {
    const byBroker = aMessage({ type: 'stock.held', headers: { 'x-first-death-reason': 'delivery_limit' } });
    expect(deadLetterOf(byBroker, 'order')).toMatchObject({
      type: 'stock.held',
      reason: expect.stringContaining('came back too often'),
    });
    const afterAWait = {
      'x-first-death-reason': 'expired',
      'x-death': [{ reason: 'delivery_limit' }, { reason: 'expired' }],
    };
    expect(deadLetterOf(aMessage({ headers: afterAWait }), 'order').reason).toMatch(/came back too often/);
    expect(deadLetterOf(aMessage({}), 'order')).toMatchObject({
      id: '(no id)',
      type: '(no type)',
      reason: '(not known)',
    });
  });

  test.each([
    [{}, true],
    [{ service: 'order', type: 'stock.held', id: '1' } as const, true],
    [{ service: 'payment' } as const, false],
    [{ type: 'stock.refused' }, false],
    [{ id: '2' }, false],
  ])('is selected by %j: %p', (selection, selected) => {
    expect(isSelected(aLetter(), selection)).toBe(selected);
  });
});

describe('what is printed', () => {
  test('counts by service, type and reason, the most frequent first', () => {
    const letters = [aLetter({ reason: 'a' }), aLetter({ reason: 'b\n c' }), aLetter({ reason: 'b\n c', id: '2' })];
    expect(listing(letters).map((line) => line.trim().split(/\s+/))).toEqual([
      ['2', 'order', 'stock.held', 'b', 'c'],
      ['1', 'order', 'stock.held', 'a'],
    ]);
  });

  test('does not let a long reason fill the screen', () => {
    expect(listing([aLetter({ reason: 'x'.repeat(400) })])[0]!.length).toBeLessThan(160);
  });

  test('shows everything of one', () => {
    expect(description(aLetter({ retries: 1 }))).toContain('then came again 1 time\n');
    const shown = description(aLetter({ stack: 'Error\n  at here', content: '{"b":2}', retries: 7 }));
    for (const part of ['stock.held 1 for order', '7 times', 'why', 'at here', '{"b":2}'])
      expect(shown).toContain(part);
  });

  test.each([
    [{ refused: 0, silent: false }, ['2 given to their services again']],
    [{ refused: 1, silent: false }, ['1 given to their services again', '1 refused; they stay']],
    [{ refused: 1, silent: true }, ['1 given to their services again', expect.stringMatching(/short of memory.*stay/)]],
  ])('says what was and what was not replayed: %j', (outcome, lines) => {
    expect(report('replay', { letters: [aLetter(), aLetter()], unread: [], ...outcome })).toEqual(lines);
  });
});
