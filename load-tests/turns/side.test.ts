import { expect, test } from '@jest/globals';
import { alreadyRunning, Standing, type RunningSide, type Side } from './side.ts';

function recorded() {
  const events: string[] = [];
  const side = (name: string, more: Partial<Side> = {}): Side => ({
    name,
    script: 'checkout.ts',
    logsIn: false,
    open: () => {
      events.push(`+${name}`);
      return Promise.resolve(running(() => void events.push(`-${name}`)));
    },
    ...more,
  });
  const running = (stop: () => void): RunningSide => ({
    target: () => ({ url: '', stack: '', processes: [] }),
    untilAtRest: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(stop()),
  });
  return { events, side, running };
}

test('at most two run at once, and the one that was not used for longest makes way; a yardstick stays', async () => {
  const { events, side } = recorded();
  const [a, b, c] = ['a', 'b', 'c'].map((name) => side(name)) as [Side, Side, Side];
  const yardstick = side('y', { isYardstick: true });
  {
    await using standing = new Standing(({ name }) => Promise.resolve(void events.push(name)));
    for (const one of [yardstick, a, b, a, c]) await standing.use(one);
    expect(events.splice(0)).toEqual(['+y', 'y', '+a', 'a', '+b', 'b', '-b', '+c', 'c']);
    expect(standing.beside(c)).toHaveLength(2);
    await standing.use(b);
    expect(events.splice(0)).toEqual(['-a', '+b', 'b']);
  }
  expect(events).toEqual(['-b', '-c', '-y']);
});

test('what somebody else has started is not stopped', async () => {
  const { events, running } = recorded();
  const theirs = running(() => void events.push('stopped'));
  const side = alreadyRunning({ name: 'theirs', script: 'checkout.ts', logsIn: false }, theirs);
  {
    await using standing = new Standing(() => Promise.resolve());
    expect((await standing.use(side)).target).toBe(theirs.target);
  }
  expect(events).toEqual([]);
});
