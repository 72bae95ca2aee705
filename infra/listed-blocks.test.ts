import { expect, test } from '@jest/globals';
import { withBlocks, withoutBlocks } from './listed-blocks.ts';

const file = `# By hand.
services:
  #each service (written by npm run compose)
  old:
    port: 1
  #end
  nginx:
    hosts:
      #each host (written by npm run compose)
      #end
      last: 1
`;

test('what is between the comments is written anew, as far indented as they are, and nothing else', () => {
  const blocks = { service: ['user:', '  port: 1', '', 'order:', '  port: 2'], host: ['user: 2'] };
  const result = withBlocks(file, blocks);
  expect(result).toBe(`# By hand.
services:
  #each service (written by npm run compose)
  user:
    port: 1

  order:
    port: 2
  #end
  nginx:
    hosts:
      #each host (written by npm run compose)
      user: 2
      #end
      last: 1
`);
  expect(withBlocks(result, blocks)).toBe(result);
});

test('a text with signs that mean something in a replacement comes as it is', () => {
  expect(withBlocks(file, { service: ["$& $$HOME $' $1"], host: [] })).toContain("\n  $& $$HOME $' $1\n");
});

test('a block that only one side knows is refused', () => {
  expect(() => withBlocks(file, { service: [] })).toThrow('wants "each host"');
  expect(() => withBlocks(file, { service: [], host: [], till: [] })).toThrow('lacks "each till"');
});

test('without the blocks, what is written by hand is left', () => {
  expect(withoutBlocks(file)).toBe('# By hand.\nservices:\n  nginx:\n    hosts:\n      last: 1\n');
});
