import { beforeAll, describe, expect, test } from '@jest/globals';
import { renamedSettings } from '@flash-sale/shared/config.ts';
import { releases } from './fixture.ts';
import { namesOfRelease, namesOfTree, type TreeNames } from './names.ts';

/*
 * Whoever uses a name goes on using it. One that disappears here is kept beside the new one, or, if it is a setting, is
 * noted in `renamedSettings`; a fixture is no place to put it right.
 */

let now: TreeNames;
beforeAll(async () => {
  now = await namesOfTree();
});

test('there is a release to be compared with', () => expect(releases).not.toEqual([]));

describe.each(releases)('of %s there still are', (release) => {
  const before = namesOfRelease(release);

  test('all settings, or they are read under their old names', () => {
    for (const [service, names] of Object.entries(before.settings)) {
      const known = names.filter((name) => now.settings[service]?.includes(renamedSettings[name] ?? name));
      expect({ service, known }).toEqual({ service, known: names });
    }
  });

  test.each(['problems', 'routes', 'compose'] as const)('all %s', (kind) => {
    expect(before[kind].length).toBeGreaterThan(0);
    expect(now[kind]).toEqual(expect.arrayContaining(before[kind]));
  });

  test.each(['events', 'commands'] as const)('all %s', (kind) => {
    for (const [of, names] of Object.entries(before[kind]))
      expect({ of, names: now[kind][of] }).toEqual({ of, names: expect.arrayContaining(names) });
  });

  test.each(['exchanges', 'queues', 'bindings'] as const)('all %s, as they were declared', (kind) => {
    expect(before.topology[kind].length).toBeGreaterThan(0);
    expect(now.topology[kind]).toEqual(expect.arrayContaining(before.topology[kind]));
  });
});
