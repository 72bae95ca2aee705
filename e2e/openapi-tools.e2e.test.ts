import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findSchemathesis } from '../infra/schemathesis/tool.ts';
import { runCommand } from '../infra/launcher/run-command.ts';
import { temporaryFolder } from '../infra/testing/temporary-folder.ts';
import { onEachStack } from '../test-kit/stack/stacks.ts';

const schemathesis = findSchemathesis();
const withinMs = 900_000;
const phases = ['Examples', 'Coverage', 'Fuzzing', 'Stateful'];

/** A product that is not there is 404 too, which the tool takes for the cart that it has just made. */
const configuration = `
[[operations]]
include-operation-id = "addToCart"
checks.ensure_resource_availability.enabled = false
`;

// `npm run schemathesis:tool` gets it.
(schemathesis ? describe : describe.skip)('the API by schemathesis', () => {
  onEachStack(
    'all phases',
    { demo: { shoppers: 1 } },
    (theShop) => {
      let folder: string;
      beforeAll(async () => {
        folder = await temporaryFolder('schemathesis');
        await writeFile(join(folder, 'schemathesis.toml'), configuration);
      });
      afterAll(() => rm(folder, { recursive: true, force: true }));

      test.each(['admin', 'shopper1'])(
        'find no answer to %s that the document does not tell of',
        async (name) => {
          const shop = theShop();
          const { accessToken } = (await shop.logIn(`${name}@example.com`)).body;
          const { code, output } = await runCommand(
            schemathesis!,
            [
              'run',
              `${shop.stack.url}/api/docs/openapi.json`,
              ...['--header', `Authorization: Bearer ${accessToken}`],
              ...['--phases', phases.join(',').toLowerCase()],
              ...['--max-examples', '30', '--seed', '1', '--no-color'],
              // They would end the session that the tool comes with, and all that follows would be 401.
              ...['--exclude-operation-id', 'logOut', '--exclude-operation-id', 'endSession'],
              // An account is not made by chance, and nobody's cart has a product by chance.
              ...['--warnings', 'off'],
            ],
            { cwd: folder },
          );
          expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('No issues found') });
          for (const phase of phases) expect(output).toMatch(new RegExp(`✅ +${phase}`));
        },
        withinMs,
      );
    },
    // The document is the same, and so is what answers: the stacks part behind it.
    ['sync'],
  );
});
