/** `npm run asyncapi`: writes docs/asyncapi.json anew, in the format in which the checks want to find it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { asyncApiDocument } from '@flash-sale/shared/events/asyncapi.ts';

const file = join(import.meta.dirname, '..', 'docs', 'asyncapi.json');
const text = await format(JSON.stringify(asyncApiDocument()), { ...(await resolveConfig(file)), filepath: file });
await mkdir(dirname(file), { recursive: true });
await writeFile(file, text);
console.log(`written: ${file}`);
