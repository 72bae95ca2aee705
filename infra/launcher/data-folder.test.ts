import { expect, test } from '@jest/globals';
import { assertUsableFolder, UnusableFolder } from './data-folder.ts';

test.each([...` '"$#;{}%\\é漢-&()*[]~!|<>?=,:@^+`].map((character) => [character]))(
  'a folder may have %j in its name',
  (character) => expect(() => assertUsableFolder(`/home/a${character}b/-c`)).not.toThrow(),
);

test.each(['\n', '\r', '\t', '\0', '\x1b', '\x7f', '\u0085', '\ufffd'])(
  'but not %j, which one sentence says',
  (character) => {
    const asked = () => assertUsableFolder(`/home/a${character}b`);
    expect(asked).toThrow(UnusableFolder);
    expect(asked).toThrow(/^The shop cannot run in ".*": [^\n]*\.$/);
  },
);
