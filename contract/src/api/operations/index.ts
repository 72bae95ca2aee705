import { accountOperations } from './accounts.ts';
import { cartOperations } from './carts.ts';
import { catalogueOperations } from './catalogue.ts';
import { healthOperations } from './health.ts';
import { orderOperations } from './orders.ts';
import { paymentOperations } from './payments.ts';
import { reservationOperations } from './reservations.ts';
import type { Operation } from '../operation.ts';

/** Every public operation. */
export const operations: readonly Operation[] = [
  ...accountOperations,
  ...catalogueOperations,
  ...cartOperations,
  ...reservationOperations,
  ...orderOperations,
  ...paymentOperations,
  ...healthOperations,
];
