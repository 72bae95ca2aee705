/** `npm run asyncapi`: writes docs/asyncapi.json anew. */
import { join } from 'node:path';
import { asyncApiDocument } from '@flash-sale/shared/messaging/asyncapi.ts';
import { argumentsOrExit, noArguments } from './command-line.ts';
import { writeGenerated } from './generated-file.ts';

argumentsOrExit(noArguments, 'usage: npm run asyncapi   renews docs/asyncapi.json, the events as they travel');
await writeGenerated(join(import.meta.dirname, '../docs/asyncapi.json'), asyncApiDocument());
