import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parseArguments } from './arguments.ts';
import { purchaseOf } from './purchase.ts';
import { spansIn, type Span } from './spans.ts';
import { waterfall } from './waterfall.ts';

const startedAt = Date.parse('2026-11-27T20:00:00Z');
const traceOf = (digit: string) => digit.repeat(32);
const spanOf = (digit: string) => digit.repeat(16);

function aSpan(about: Partial<Span> & { from?: number; ms?: number }): Span {
  const { from = 0, ms = 10, ...others } = about;
  return {
    traceId: traceOf('a'),
    spanId: spanOf('1'),
    parentSpanId: undefined,
    name: 'POST /api/reservations',
    kind: 'server',
    by: 'reservation-1',
    startedAtMs: startedAt + from,
    endedAtMs: startedAt + from + ms,
    attributes: {},
    links: [],
    failure: undefined,
    ...others,
  };
}

const order = { 'flash_sale.order.id': '0199f0a0-0000-7000-8000-000000000001' };
const reserve = aSpan({ ms: 40, attributes: { 'http.response.status_code': 201 } });
const command = aSpan({
  spanId: spanOf('2'),
  parentSpanId: spanOf('1'),
  name: 'reserve',
  kind: 'internal',
  from: 5,
  ms: 20,
  attributes: order,
});
const waits = aSpan({
  spanId: spanOf('3'),
  parentSpanId: spanOf('2'),
  name: 'waits in the lane',
  kind: 'internal',
  from: 5,
  ms: 5,
});
const batch = aSpan({
  traceId: traceOf('b'),
  spanId: spanOf('4'),
  name: 'reservation transaction',
  kind: 'client',
  from: 10,
  ms: 12,
  attributes: { 'db.operation.batch.size': 7 },
  links: [{ traceId: traceOf('a'), spanId: spanOf('2') }],
});
const pay = aSpan({
  traceId: traceOf('c'),
  spanId: spanOf('5'),
  name: 'POST /api/payments',
  by: 'payment-2',
  from: 1_000,
  links: [{ traceId: traceOf('a'), spanId: spanOf('2') }],
});
const expiry = aSpan({
  traceId: traceOf('d'),
  spanId: spanOf('6'),
  name: 'expire',
  kind: 'internal',
  from: 90_000,
  attributes: order,
});
const stranger = aSpan({ traceId: traceOf('e'), spanId: spanOf('7') });
const all = [pay, stranger, batch, waits, command, reserve, expiry];

describe('a purchase', () => {
  test.each([
    ['its order', order['flash_sale.order.id']],
    ['the trace of reserving', traceOf('a')],
    ['the trace of paying', traceOf('c')],
  ])('is found by %s: with what points to it, and what is of the same order', (_what, id) => {
    const purchase = purchaseOf(id, all)!;
    expect(purchase.spans).toEqual([reserve, command, waits, pay, expiry]);
    expect([...purchase.together]).toEqual([[spanOf('2'), [batch]]]);
  });

  test('of which nothing is known is none', () => {
    expect(purchaseOf('0199f0a0-0000-7000-8000-00000000dead', all)).toBeUndefined();
  });

  test('is told in the order of time, each below what brought it about', () => {
    const lines = waterfall(purchaseOf(traceOf('a'), [reserve, command, waits, batch])!);
    const rows = lines.slice(3, -2).map((line) => line.replace(/[█░]+/, '#').replaceAll(/ +/g, ' ').trim());
    expect(rows).toEqual([
      '0.0 40.0 # reservation-1 POST /api/reservations 201',
      '5.0 20.0 # reservation-1 reserve',
      '10.0 12.0 # reservation-1 + reservation transaction of 7',
      '5.0 5.0 # reservation-1 waits in the lane',
    ]);
    expect(lines[0]).toMatch(/^3 spans in 1 trace \(a{32}\), 40\.0 ms, from 2026-11-27T20:00:00\.000Z$/);
    expect(lines.filter((line) => line.includes('░') && line.includes('waits in the lane'))).toHaveLength(1);
  });

  test('of which the beginning is lost begins with what is there', () => {
    const lines = waterfall(purchaseOf(traceOf('a'), [command, waits])!);
    expect(lines.join('\n')).toMatch(/ reserve\n.* {2}waits in the lane\n/);
  });
});

describe('the files of spans', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'traces-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const line = (name: string) =>
    JSON.stringify({
      resourceSpans: [
        {
          resource: {
            attributes: [
              { key: 'service.name', value: { stringValue: 'order' } },
              { key: 'service.instance.id', value: { stringValue: '2' } },
            ],
          },
          scopeSpans: [
            {
              spans: [
                {
                  traceId: traceOf('a'),
                  spanId: spanOf('1'),
                  name,
                  kind: 2,
                  startTimeUnixNano: '1764280800123456789',
                  endTimeUnixNano: '1764280800223456789',
                  attributes: [{ key: 'http.response.status_code', value: { intValue: 500 } }],
                  status: { code: 2, message: 'internal' },
                },
              ],
            },
          ],
        },
      ],
    });

  test('are read with the one before each, without a line that is not whole, and without what else lies there', async () => {
    await writeFile(join(folder, 'order-2.jsonl'), `${line('second')}\n${line('cut').slice(0, 80)}`);
    await writeFile(join(folder, 'order-2.jsonl.1'), `${line('first')}\n`);
    await writeFile(join(folder, 'notes.txt'), 'no span');
    const spans: Span[] = [];
    for await (const span of spansIn(folder)) spans.push(span);
    expect(spans.map(({ name }) => name).sort()).toEqual(['first', 'second']);
    expect(spans[0]).toMatchObject({
      by: 'order-2',
      kind: 'server',
      startedAtMs: 1_764_280_800_123.456,
      endedAtMs: 1_764_280_800_223.456,
      attributes: { 'http.response.status_code': 500 },
      links: [],
      failure: 'internal',
    });
  });
});

describe('what is asked for', () => {
  test.each([
    [[traceOf('a')], { id: traceOf('a'), folder: undefined }],
    [
      ['0199f0a0-0000-7000-8000-000000000001', '--dir', '/x'],
      { id: '0199f0a0-0000-7000-8000-000000000001', folder: '/x' },
    ],
  ])('%j', (argv, found) => expect(parseArguments(argv)).toEqual(found));

  test.each([[[]], [['an-order']], [[traceOf('a'), traceOf('b')]], [[traceOf('a'), '--dir=']], [['--all']]])(
    '%j cannot be understood',
    (argv) => expect(() => parseArguments(argv)).toThrow(),
  );
});
