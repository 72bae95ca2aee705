/** `npm run asyncapi`: writes docs/asyncapi.json anew. */
import { join } from 'node:path';
import { asyncApiDocument } from '@flash-sale/shared/events/asyncapi.ts';
import { writeGenerated } from './generated-file.ts';

await writeGenerated(join(import.meta.dirname, '../docs/asyncapi.json'), asyncApiDocument());
