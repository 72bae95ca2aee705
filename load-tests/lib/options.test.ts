import { describe, expect, test } from '@jest/globals';
import { stackNames } from '@flash-sale/shared/stacks.ts';
import { UsageError } from '../../infra/command-line.ts';
import { allChoices, choiceNamed, nameOf, stackIn } from './options.ts';

describe('stacks on command lines and in results', () => {
  test('have a name from which they are found again', () => {
    for (const choice of allChoices) expect(choiceNamed(nameOf(choice))).toEqual(choice);
    expect(new Set(allChoices.map(nameOf)).size).toBe(allChoices.length);
  });

  test('go by the name of the stack alone in their usual layout', () => {
    expect(allChoices.map(nameOf)).toEqual(expect.arrayContaining([...stackNames]));
    expect(nameOf(choiceNamed('sync:separate'))).toBe('sync');
  });

  test.each(['nothing', 'sync:', 'sync:nothing', 'sync:shared:3', 'monolith:separate', ''])('"%s" is none', (name) => {
    expect(() => choiceNamed(name)).toThrow(UsageError);
  });

  test('have the usual layout and two instances, unless told otherwise', () => {
    expect(stackIn({ stack: 'monolith' })).toEqual({ stack: 'monolith', layout: 'shared', instances: 2 });
    expect(stackIn({ stack: 'sync', layout: 'shared', instances: '4' })).toMatchObject({
      layout: 'shared',
      instances: 4,
    });
    expect(() => stackIn({ stack: 'monolith', layout: 'separate' })).toThrow('has the layout shared');
    for (const instances of ['0', '7', 'two']) expect(() => stackIn({ instances })).toThrow(UsageError);
  });
});
