import { describe, expect, test } from '@jest/globals';
import { newId } from '../ids.ts';
import { running, traced } from './running.ts';
import type { EndedSpan } from './span.ts';
import { newSpanId, newTraceId, readTraceparent, traceparentOf } from './trace-context.ts';
import { Tracing, type TracingOptions } from './tracing.ts';

const [traceId, spanId] = [newTraceId(), newSpanId()];
const sampled = traceparentOf({ traceId, spanId, isSampled: true });

function aTracing(options: Partial<TracingOptions> = {}) {
  const spans: EndedSpan[] = [];
  const sink = { take: (span: EndedSpan) => void spans.push(span) };
  return {
    spans,
    tracing: new Tracing({ sink, isChosen: () => false, slowMs: 1_000, maxKeptPerSecond: 2, ...options }),
  };
}
const ending = { name: 'GET /api/orders/:id', ms: 5 };

describe('a traceparent', () => {
  test('is read as it is written', () => {
    expect(readTraceparent(sampled)).toEqual({ traceId, spanId, isSampled: true });
    expect(readTraceparent(sampled.replace(/1$/, '0'))).toEqual({ traceId, spanId, isSampled: false });
  });

  test.each([
    ['nothing', undefined],
    ['several', [sampled]],
    ['another version', sampled.replace(/^00/, '01')],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['a span of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['capitals', sampled.toUpperCase()],
    ['more behind it', `${sampled}-x`],
    ['a line break', `${sampled}\n`],
  ])('of %s is none', (_what, text) => expect(readTraceparent(text)).toBeUndefined());

  test('ids are not given twice', () => {
    const many = Array.from({ length: 10_000 }, newTraceId);
    expect(new Set(many).size).toBe(many.length);
    expect(many.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
  });
});

describe('a request from outside', () => {
  test('goes on with its trace, and cannot have it recorded', () => {
    const { tracing, spans } = aTracing();
    const root = tracing.beginRequest(sampled, 'outside');
    expect(root.span.context).toMatchObject({ traceId, isSampled: false });
    tracing.endRequest(root, ending);
    expect(spans).toEqual([]);
  });

  test('is recorded when it is chosen, whatever it says', () => {
    const { tracing, spans } = aTracing({ isChosen: () => true });
    const root = tracing.beginRequest(traceparentOf({ traceId, spanId, isSampled: false }), 'outside');
    tracing.endRequest(root, ending);
    expect(spans).toMatchObject([{ name: ending.name, parentSpanId: spanId, context: { traceId, isSampled: true } }]);
  });

  test('with something else in the header begins a trace', () => {
    const { tracing, spans } = aTracing({ isChosen: () => true });
    tracing.endRequest(tracing.beginRequest('00-1-2-3', 'outside'), ending);
    expect(spans[0]!.parentSpanId).toBeUndefined();
    expect(spans[0]!.context.traceId).toMatch(/^[0-9a-f]{32}$/);
  });
});

test('a request from another service is recorded where that one is', () => {
  const { tracing, spans } = aTracing();
  tracing.endRequest(tracing.beginRequest(sampled, 'service'), ending);
  expect(spans).toHaveLength(1);
});

describe('a request that was not chosen', () => {
  const throughGate = (tracing: Tracing) => {
    const root = tracing.beginRequest(undefined, 'outside');
    return running.run(root, () => traced('gate', () => Promise.resolve())).then(() => root);
  };

  test.each([
    ['slow', { ms: 1_001 }],
    ['failed as nobody expected', { failure: 'internal' }],
  ])('is told of with its pieces when it was %s', async (_what, how) => {
    const { tracing, spans } = aTracing();
    tracing.endRequest(await throughGate(tracing), { ...ending, ...how });
    expect(spans.map(({ name }) => name).sort()).toEqual([ending.name, 'gate']);
    const [request, gate] = [spans.find(({ name }) => name !== 'gate')!, spans.find(({ name }) => name === 'gate')!];
    expect(gate.parentSpanId).toBe(request.context.spanId);
  });

  test('is not told of otherwise', async () => {
    const { tracing, spans } = aTracing();
    tracing.endRequest(await throughGate(tracing), ending);
    expect(spans).toEqual([]);
  });

  test('is one of a few that are told of in a second: a crowd of slow ones must not make it slower', () => {
    const { tracing, spans } = aTracing();
    for (let n = 0; n < 1_000; n++)
      tracing.endRequest(tracing.beginRequest(undefined, 'outside'), { ...ending, ms: 2_000 });
    expect(spans.length).toBeGreaterThanOrEqual(2);
    expect(spans.length).toBeLessThanOrEqual(4); // the second may have changed meanwhile
  });

  test('has no more pieces than are remembered', async () => {
    const { tracing, spans } = aTracing();
    const root = tracing.beginRequest(undefined, 'outside');
    await running.run(root, async () => {
      for (let n = 0; n < 500; n++) await traced('gate', () => Promise.resolve());
    });
    tracing.endRequest(root, { ...ending, ms: 2_000 });
    expect(spans).toHaveLength(64 + 1);
  });
});

describe('a piece of work', () => {
  test('that fails says why, and fails all the same', async () => {
    const { tracing, spans } = aTracing({ isChosen: () => true });
    const root = tracing.beginRequest(undefined, 'outside');
    const work = running.run(root, () => traced('gateway', () => Promise.reject(new Error('silent'))));
    await expect(work).rejects.toThrow('silent');
    tracing.endRequest(root, ending);
    expect(spans).toMatchObject([{ name: ending.name }, { name: 'gateway', failure: 'silent' }]);
  });

  test('that nobody traces is simply done', async () => {
    expect(await traced('gate', () => Promise.resolve(7))).toBe(7);
  });

  test('that ends after its request is told of, too', () => {
    const { tracing, spans } = aTracing({ isChosen: () => true });
    const root = tracing.beginRequest(undefined, 'outside');
    const late = root.begin('late');
    tracing.endRequest(root, ending);
    late.end();
    expect(spans.map(({ name }) => name)).toEqual([ending.name, 'late']);
  });
});

describe('the handling of an event', () => {
  const event = () =>
    ({
      id: newId(),
      type: 'order.opened',
      version: 1,
      occurredAt: new Date(Date.now() - 300).toISOString(),
      data: { orderId: 'o', reservationId: 'r' },
    }) as never;

  test('has what brought it about as its parent, names its ids, and says how long it was on its way', () => {
    const { tracing, spans } = aTracing();
    tracing.endHandling(tracing.beginHandling('payment', event(), { traceparent: sampled, since: Date.now() - 100 }));
    const [handling, way] = spans;
    expect(handling).toMatchObject({
      name: 'payment handles order.opened',
      parentSpanId: spanId,
      context: { traceId },
      subject: { orderId: 'o', reservationId: 'r' },
    });
    expect(way).toMatchObject({ name: 'order.opened is on its way', parentSpanId: spanId });
    expect(way!.endedAtMs - way!.startedAtMs).toBeGreaterThanOrEqual(99);
    expect(way!.endedAtMs - way!.startedAtMs).toBeLessThan(290);
  });

  test('of what a sweep has found reckons from when it happened', () => {
    const { tracing, spans } = aTracing();
    tracing.endHandling(tracing.beginHandling('payment', event(), { traceparent: sampled }));
    expect(spans[1]!.endedAtMs - spans[1]!.startedAtMs).toBeGreaterThanOrEqual(299);
  });

  test('is never on its way for less than nothing, whatever clocks say', () => {
    const { tracing, spans } = aTracing();
    const since = Date.now() + 60_000;
    tracing.endHandling(tracing.beginHandling('payment', event(), { traceparent: sampled, since }));
    expect(spans[1]!.startedAtMs).toBeLessThanOrEqual(spans[1]!.endedAtMs);
  });

  test('is told of when the event is put aside, though its trace was not chosen', () => {
    const { tracing, spans } = aTracing();
    const traceparent = traceparentOf({ traceId, spanId, isSampled: false });
    tracing.endHandling(tracing.beginHandling('payment', event(), { traceparent }), { failure: 'for now' });
    expect(spans).toEqual([]);
    const again = tracing.beginHandling('payment', event(), { traceparent });
    tracing.endHandling(again, { failure: 'no such payment', isPutAside: true });
    expect(spans).toMatchObject([{ failure: 'no such payment', context: { traceId } }, {}]);
  });

  test('of which nothing came along begins a trace', () => {
    const { tracing, spans } = aTracing({ isChosen: () => true });
    tracing.endHandling(tracing.beginHandling('payment', event(), undefined));
    expect(spans).toHaveLength(1);
    expect(spans[0]!.parentSpanId).toBeUndefined();
  });
});

describe('what is done for many', () => {
  test('is a trace of its own that points to those of them that are recorded', () => {
    const { tracing, spans } = aTracing();
    const those = [true, false, true].map((isSampled) => ({ traceId: newTraceId(), spanId: newSpanId(), isSampled }));
    tracing.beginForMany('order transaction', 'client', those)!.end();
    expect(spans[0]!.links).toEqual([those[0], those[2]]);
    expect(those.map((one) => one.traceId)).not.toContain(spans[0]!.context.traceId);
  });

  test('is not told of when none of them is', () => {
    const { tracing } = aTracing();
    expect(
      tracing.beginForMany('order transaction', 'client', [{ traceId, spanId, isSampled: false }]),
    ).toBeUndefined();
  });
});
