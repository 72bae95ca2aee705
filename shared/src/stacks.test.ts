import { expect, test } from '@jest/globals';
import { layoutNames, layouts } from './layouts.ts';
import { defaultStack, isStackName, layoutRefusal, stackNames, stacks } from './stacks.ts';

test('a stack is known by its name, and nothing else is one', () => {
  for (const name of stackNames) expect(isStackName(name)).toBe(true);
  for (const text of ['', 'Sync', 'both', 'toString', '__proto__']) expect(isStackName(text)).toBe(false);
  expect(isStackName(defaultStack)).toBe(true);
});

test('a stack whose events travel by RabbitMQ needs one', () => {
  for (const { events, servers } of Object.values(stacks))
    expect(events !== 'amqp' || servers.includes('rabbitmq')).toBe(true);
});

test('a stack whose events do not leave a process has all its services in each', () => {
  for (const { events, layouts: possible } of Object.values(stacks))
    expect(events !== 'in-process' || possible.every((name) => layouts[name].together)).toBe(true);
});

test('a layout that a stack cannot have is refused in one line, which says what it has', () => {
  for (const stack of stackNames)
    for (const layout of layoutNames) {
      const refusal = layoutRefusal(stack, layout);
      if (stacks[stack].layouts.includes(layout)) expect(refusal).toBeUndefined();
      else
        for (const name of [...stacks[stack].layouts, `not ${layout}`])
          expect(refusal).toMatch(new RegExp(`^the stack ${stack} .*\\b${name}\\b.*$`));
    }
});
