import { expect, jest, test } from '@jest/globals';
import { setImmediate as turn } from 'node:timers/promises';
import { drain, endsWithin, Stopping } from './drain.ts';

/** The parts of a service, each of which notes when it is told to end and ends a moment later. */
function parts(steps: string[]) {
  const step = (name: string) => async () => {
    steps.push(`${name} …`);
    await turn();
    steps.push(name);
  };
  return {
    stopping: new Stopping(),
    endWaitsAfterMs: 60_000,
    stopListening: step('requests'),
    transport: { stopReceiving: step('events'), stop: step('transport') },
    stopTasks: step('tasks'),
    outbox: { stopDelivering: step('deliveries') },
    lane: { drained: step('lane') },
    onIdle: () => void steps.push('idle'),
    othersIdle: undefined,
  };
}

test('what brings in work ends first, and the lane is drained again after the last of it', async () => {
  const steps: string[] = [];
  const service = parts(steps);
  await drain(service);
  expect(steps).toEqual([
    ...['requests …', 'events …', 'requests', 'events'],
    ...['tasks …', 'deliveries …', 'tasks', 'deliveries'],
    ...['lane …', 'lane', 'idle'],
    ...['transport …', 'transport'],
    ...['lane …', 'lane'],
  ]);
  expect(service.stopping.draining.aborted).toBe(true);
});

test('the transport works on while others in the process may begin something', async () => {
  const steps: string[] = [];
  const others = Promise.withResolvers<void>();
  const drained = drain({ ...parts(steps), othersIdle: others.promise });
  while (!steps.includes('idle')) await turn();
  await turn();
  expect(steps.at(-1)).toBe('idle');
  others.resolve();
  await drained;
  expect(steps).toContain('transport');
});

test('a transport that fetches nothing itself is only stopped', async () => {
  const steps: string[] = [];
  const service = parts(steps);
  await drain({ ...service, transport: { stop: service.transport.stop } });
  expect(steps).not.toContain('events');
  expect(steps).toContain('transport');
});

test('a service is draining from the first moment; those who wait are let go only when it takes long', async () => {
  const service = parts([]);
  let requestsEnd = () => {};
  const stopListening = () => new Promise<void>((resolve) => (requestsEnd = resolve));
  const { waitsEnd, draining } = service.stopping;
  const letGo = new Promise((resolve) => waitsEnd.addEventListener('abort', resolve));
  const drained = drain({ ...service, stopListening, endWaitsAfterMs: 1 });
  expect([draining.aborted, waitsEnd.aborted]).toEqual([true, false]);
  await letGo;
  requestsEnd();
  await drained;
});

test('nobody is let go once all requests are answered, however long the rest takes', async () => {
  jest.useFakeTimers();
  try {
    const service = parts([]);
    let laneEnds = () => {};
    const laneIsAsked = new Promise<void>((asked) => {
      const drained = () => (asked(), new Promise<void>((resolve) => (laneEnds = resolve)));
      service.lane = { drained };
    });
    const drained = drain(service);
    expect(jest.getTimerCount()).toBe(1);
    await laneIsAsked;
    expect(jest.getTimerCount()).toBe(0);
    service.lane.drained = () => Promise.resolve();
    laneEnds();
    await drained;
    expect(service.stopping.waitsEnd.aborted).toBe(false);
  } finally {
    jest.useRealTimers();
  }
});

test('tells whether work ends in time, and throws what it throws', async () => {
  expect(await endsWithin(Promise.resolve(), 60_000)).toBe(true);
  expect(await endsWithin(new Promise(() => {}), 1)).toBe(false);
  await expect(endsWithin(Promise.reject(new Error('broken')), 60_000)).rejects.toThrow('broken');
});
