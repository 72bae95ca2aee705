import { describe, expect, jest, test } from '@jest/globals';
import type { StockViews } from '@flash-sale/shared/redis/stock-view.ts';
import { Gate } from './gate.ts';

function aGate(available: Record<string, number>, { believed = true, missing = true } = {}) {
  const read = jest.fn((id: string) =>
    Promise.resolve(id in available ? { available: available[id]!, version: 1, revision: 1 } : undefined),
  );
  const views = { read, areBelieved: () => Promise.resolve(believed) } as unknown as StockViews;
  const isMissing = jest.fn((_id: string) => Promise.resolve(missing));
  return { gate: new Gate(views, { isMissing }), read, available, isMissing };
}

describe('gate', () => {
  test('is not armed while only plenty was seen; few units, or a refusal, arm it', async () => {
    const { gate } = aGate({ plenty: 1_000_000, few: 100 });
    expect(await gate.isUnknown('plenty')).toBe(false);
    expect(gate.isArmed).toBe(false);
    expect(await gate.isUnknown('few')).toBe(false);
    expect(gate.isArmed).toBe(true);
    const refused = aGate({}).gate;
    refused.arm();
    expect(refused.isArmed).toBe(true);
  });

  test('is armed for a minute', async () => {
    const clock = jest.spyOn(performance, 'now').mockReturnValue(1_000);
    try {
      const { gate } = aGate({ few: 100 });
      await gate.isUnknown('few');
      clock.mockReturnValue(60_999);
      expect(gate.isArmed).toBe(true);
      clock.mockReturnValue(61_000);
      expect(gate.isArmed).toBe(false);
    } finally {
      clock.mockRestore();
    }
  });

  test('turns away who asks for more than is left of any line, and nobody when Redis does not know', async () => {
    const { gate } = aGate({ few: 2, plenty: 1_000_000 });
    const line = (productId: string, quantity: number) => ({ productId, quantity });
    expect(await gate.isSoldOut([line('few', 2), line('plenty', 1_000)])).toBe(false);
    expect(await gate.isSoldOut([line('plenty', 1), line('few', 3)])).toBe(true);
    expect(await gate.isSoldOut([line('unknown', 1_000)])).toBe(false);
  });

  test('looks at a product with plenty once in a while, at one with few units every time', async () => {
    const clock = jest.spyOn(performance, 'now').mockReturnValue(1_000);
    try {
      const { gate, read } = aGate({ few: 2, plenty: 5_000 });
      const lookThreeTimes = async (productId: string) => {
        for (let look = 0; look < 3; look += 1) await gate.isSoldOut([{ productId, quantity: 1 }]);
        return read.mock.calls.length;
      };
      expect(await lookThreeTimes('plenty')).toBe(1);
      expect(await lookThreeTimes('few')).toBe(4);
      clock.mockReturnValue(1_100);
      expect(await lookThreeTimes('plenty')).toBe(5);
    } finally {
      clock.mockRestore();
    }
  });

  test('a product is unknown when Redis can be believed, does not have it, and the inventory says so, too', async () => {
    expect(await aGate({}).gate.isUnknown('new')).toBe(true);
    const dropped = aGate({}, { missing: false });
    expect(await dropped.gate.isUnknown('dropped')).toBe(false);
    expect(dropped.isMissing).toHaveBeenCalledWith('dropped');
  });

  test('a product is not asked for when Redis cannot be believed, when it is there, or once it was seen', async () => {
    const blind = aGate({}, { believed: false });
    expect(await blind.gate.isUnknown('new')).toBe(false);
    const { gate, available, isMissing } = aGate({ few: 2 });
    await gate.isUnknown('few');
    delete available['few'];
    expect(await gate.isUnknown('few')).toBe(false);
    expect([blind.isMissing, isMissing].map((asked) => asked.mock.calls)).toEqual([[], []]);
  });
});
