import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@flash-sale/shared/testing/eventually.ts';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { isAlive } from '../../infra/launcher/process-identity.ts';
import { findRunningStack } from '../../infra/launcher/running-stack.ts';
import { loadSettings } from '../../test-kit/stack/load-settings.ts';
import { choiceNamed } from '../lib/options.ts';
import { DidNotStart, startTree, type RunningTree } from './running-tree.ts';

let folder: string;
let said: string[];
let running: RunningTree | undefined;

beforeEach(async () => {
  said = [];
  running = undefined;
  folder = await mkdtemp(join(tmpdir(), 'flash-sale-running-tree-'));
});
afterEach(async () => {
  await running?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** A tree whose launcher is testing/start.ts, and which knows these settings of load programs. */
async function start(
  settings: string[],
  {
    known = Object.keys(loadSettings),
    signal = new AbortController().signal,
    script = `ALSO_KNOWN=${known.join(',')} exec "${process.execPath}" "${join(import.meta.dirname, 'testing/start.ts')}"`,
  } = {},
) {
  await writeFile(join(folder, 'package.json'), JSON.stringify({ scripts: { start: script } }));
  const say = (line: string) => said.push(line);
  const dataDir = join(folder, 'data');
  const stack = { ...choiceNamed('sync'), instances: 2 };
  running = await startTree({ name: 'that', folder, dataDir, stack, settings, say, signal });
  return running;
}

/** What only the made-up launcher writes down. */
const settingsOf = (found: object) => (found as { settings: string[] }).settings;
const usual = Object.entries(loadSettings).map(([name, value]) => `${name}=${value}`);

describe('a tree that is started by its own npm start', () => {
  test('runs with the settings of load programs and its own until it is disposed of', async () => {
    const tree = await start(['KNOWN=2']);
    const found = tree.now();
    expect(found.stack).toBe('sync');
    expect(settingsOf(found)).toEqual([...usual, 'KNOWN=2']);
    expect(said).toContain(`that tree: ready ${found.url}`);
    await tree[Symbol.asyncDispose]();
    expect(isAlive(found.launcher)).toBe(false);
    expect(() => tree.now()).toThrow('that tree has stopped');
  });

  test('runs without those that it does not know, and that is said', async () => {
    const tree = await start([], { known: [] });
    expect(settingsOf(tree.now())).toEqual([]);
    expect(said).toContain('that tree: runs without HOLD_TTL_MS, which it does not take');
  });

  test('does not run without one that was asked for', async () => {
    await expect(start(['MISTYPED=1'])).rejects.toThrow('that tree did not start: there is no setting MISTYPED here');
    await expect(start(['MISTYPED=1'], { known: [] })).rejects.toThrow(
      'that tree did not start: there is no setting MISTYPED here',
    );
  });

  test('that cannot be started says why', async () => {
    const starting = start([], { script: 'echo broken >&2; exit 1 #' });
    await expect(starting).rejects.toThrow(new DidNotStart('that tree did not start: broken'));
  });

  test('is stopped when its start is aborted', async () => {
    const abort = new AbortController();
    const starting = start(['SILENT=1'], { signal: abort.signal });
    const dataDir = join(folder, 'data');
    const { launcher } = await eventually(() => {
      if (!existsSync(dataDir)) throw new Error('not yet');
      return findRunningStack(dataDir);
    });
    abort.abort(new Error('enough'));
    await expect(starting).rejects.toThrow('enough');
    expect(isAlive(launcher)).toBe(false);
  });
});
