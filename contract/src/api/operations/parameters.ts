import { z } from 'zod';
import type { Parameter } from '../operation.ts';
import { id } from '../schemas.ts';
import { visibleAscii } from '../text.ts';

/** Ids that stand for the same thing wherever an example names it. */
export const ids = {
  user: '01985f6a-7c00-7a11-8c6d-0f5d7c1b2a01',
  product: '01985f6a-7c00-7a11-8c6d-0f5d7c1b2a02',
  cart: '01985f6a-7c00-7a11-8c6d-0f5d7c1b2a03',
  reservation: '01985f6a-7c00-7a11-8c6d-0f5d7c1b2a04',
  order: '01985f6a-7c00-7a11-8c6d-0f5d7c1b2a05',
  payment: '01985f6a-7c00-7a11-8c6d-0f5d7c1b2a06',
  session: '01985f6a-7c00-7a11-8c6d-0f5d7c1b2a07',
};

export const idInPath = (what: keyof typeof ids, name = 'id'): Parameter => ({
  in: 'path',
  name,
  required: true,
  description: `The id of the ${what}.`,
  schema: id,
  example: ids[what],
});

export const pageParameters: Parameter[] = [
  {
    in: 'query',
    name: 'limit',
    required: false,
    description: 'How many at most.',
    schema: z.number().int().min(1).max(100).default(20),
  },
  {
    in: 'query',
    name: 'cursor',
    required: false,
    description: 'The `nextCursor` of the page before; without it, the first page.',
    schema: id,
  },
];

export const idempotencyKey: Parameter = {
  in: 'header',
  name: 'Idempotency-Key',
  required: true,
  description:
    'New for each purchase, such as a random UUID; the same for each retry of it. The same key with the same body ' +
    'gets the first answer again, with another body 422 `idempotency-key-reused`.',
  schema: visibleAscii(255),
  example: '5f0c2f0e-6d5e-4b0a-9a4e-0f6f5e0d8b11',
};

export const preferWait: Parameter = {
  in: 'header',
  name: 'Prefer',
  required: false,
  description:
    '`wait=N`: the answer comes as soon as the state is settled, or as it stands after N seconds, 30 at most (RFC 7240).',
  schema: z.string().max(200),
  example: 'wait=10',
};

export const deviceToken: Parameter = {
  in: 'header',
  name: 'Device-Token',
  required: false,
  description:
    'The `deviceToken` of the last log-in from this device. One that is not valid any more is as good as none.',
  schema: z.string(),
};
