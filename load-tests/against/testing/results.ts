import { choiceNamed } from '../../lib/options.ts';
import type { Turn } from '../../turns/results.ts';
import { aTurn } from '../../turns/testing/turns.ts';
import { compare, problemsOf } from '../judge.ts';
import type { AgainstResult, Side } from '../results.ts';

const cores = 2;

/** What is kept of such turns; nothing else went wrong. */
export function aResult(turns: Turn[], more: Partial<AgainstResult> = {}): AgainstResult {
  const measured: AgainstResult = {
    startedAt: '2026-01-01T00:00:00.000Z',
    ...choiceNamed('async'),
    quick: false,
    planned: { levels: [500], pairs: 5, seconds: 10 },
    machine: { cpu: '', cores, memoryBytes: 0, system: '', node: '', k6: '', commit: '' },
    sides: { this: { commit: 'a', settings: [] }, that: { commit: 'b', settings: [] } },
    turns,
    audit: { passed: true, output: '' },
    compared: compare([500], turns, cores),
    problems: [],
    ...more,
  };
  return { ...measured, problems: problemsOf(measured) };
}

/** Five pairs, in which one side at rest takes a tenth of the machine from the turns of the other. A journey costs both the same. */
export function besideRestless(restless: Side, rates: Record<Side, number>): Turn[] {
  const turnOf = (pair: number, side: Side) =>
    aTurn({
      pair,
      side,
      rate: rates[side],
      load: { usage: [{ name: 'order-1', cpuSeconds: rates[side] / 10, peakBytes: 0 }] },
      beside: { cpuSeconds: side === restless ? 0 : (cores * 10) / 10, seconds: 10 },
    });
  return [1, 2, 3, 4, 5].flatMap((pair) => [turnOf(pair, 'this'), turnOf(pair, 'that')]);
}
