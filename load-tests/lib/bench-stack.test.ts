import { expect, test } from '@jest/globals';
import { NotRunning } from '../../infra/launcher/running-stack.ts';
import { openStack } from './bench-stack.ts';
import { allChoices } from './options.ts';

const open = (given: { url?: string; stackFile?: string }) =>
  openStack(
    { ...allChoices[0]!, instances: 2, ...given },
    { folder: 'unused', profiles: 'unused', say: () => undefined, signal: AbortSignal.abort() },
  );

test('a shop that nobody answers for is named before anything is measured', async () => {
  // Port 9 is "discard", which nothing here listens on.
  await expect(open({ url: 'http://127.0.0.1:9' })).rejects.toThrow(NotRunning);
  await expect(open({ url: 'http://127.0.0.1:9' })).rejects.toThrow(/^No shop is ready at http:\/\/127\.0\.0\.1:9: /);
});

test('a stack file that is not there is named', async () => {
  await expect(open({ stackFile: '/nowhere/stack.json' })).rejects.toThrow(
    'There is no stack file that can be read at /nowhere/stack.json.',
  );
});
