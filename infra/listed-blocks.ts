/** By block, as it is named in the file: its lines, the outermost ones without indentation. */
export type Blocks = Record<string, string[]>;

const block = /^( *)(#each (.+) \(written by npm run \w+\)\n)(?:.*\n)*?\1#end\n/gm;

/** What is written by hand. */
export const withoutBlocks = (text: string): string => text.replaceAll(block, '');

/**
 * Writes what follows from our lists into a file that cannot read them. There, each such block stands between two comments
 *
 *     #each service (written by npm run compose)
 *     #end
 *
 * and is as far indented as they are. The rest of the file is written by hand.
 * @throws for a block that the file does not have, and for one that nobody knows
 */
export function withBlocks(text: string, blocks: Blocks): string {
  const written = new Set<string>();
  const result = text.replaceAll(block, (_, indent: string, begin: string, name: string) => {
    const lines = blocks[name];
    if (!lines) throw new Error(`a file wants "each ${name}", which nobody writes`);
    written.add(name);
    const indented = lines.map((line) => (line === '' ? '\n' : `${indent}${line}\n`));
    return `${indent}${begin}${indented.join('')}${indent}#end\n`;
  });
  const missing = Object.keys(blocks).filter((name) => !written.has(name));
  if (missing.length > 0) throw new Error(`a file lacks "each ${missing.join('", "each ')}"`);
  return result;
}
