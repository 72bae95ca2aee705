import { z } from 'zod';
import * as schemas from './schemas.ts';

export type JsonSchema = Record<string, unknown>;

/** Bodies that clients send, by the names under which the document shows them. */
const sent = {
  Registration: schemas.registration,
  Credentials: schemas.credentials,
  Refresh: schemas.refresh,
  PasswordChange: schemas.passwordChange,
  Deletion: schemas.deletion,
  NewProduct: schemas.newProduct,
  ProductChange: schemas.productChange,
  Restock: schemas.restock,
  Empty: schemas.empty,
  CartItem: schemas.cartItem,
  NewReservation: schemas.newReservation,
  NewPayment: schemas.newPayment,
};
/** Bodies that the services answer with. */
const answered = {
  RegisteredUser: schemas.registeredUser,
  CurrentUser: schemas.currentUser,
  Session: schemas.session,
  SessionList: schemas.sessionList,
  PasswordChanged: schemas.passwordChanged,
  Product: schemas.product,
  ProductPage: schemas.productPage,
  Restocked: schemas.restocked,
  Cart: schemas.cart,
  Reservation: schemas.reservation,
  Order: schemas.order,
  OrderPage: schemas.orderPage,
  Payment: schemas.payment,
  Problem: schemas.problem,
  Health: schemas.health,
};
const names = new Map<z.ZodType, string>(
  Object.entries({ ...sent, ...answered }).map(([name, schema]) => [schema, name]),
);
const refTo = (name: string) => `#/components/schemas/${name}`;

/** @throws when the schema has no name: a defect of the table above */
export function reference(schema: z.ZodType): { $ref: string } {
  const name = names.get(schema);
  if (name === undefined) throw new Error('a body without a name in the OpenAPI document');
  return { $ref: refTo(name) };
}

/** All named schemas, which refer to each other where one holds another. */
export function componentSchemas(): Record<string, JsonSchema> {
  return { ...generate(sent, 'input'), ...generate(answered, 'output') };
}

export function inlineSchema(schema: z.ZodType): JsonSchema {
  return tidy(z.toJSONSchema(schema, { io: 'input' })) as JsonSchema;
}

function generate(named: Record<string, z.ZodType>, io: 'input' | 'output'): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  return tidy(z.toJSONSchema(registry, { uri: refTo, io }).schemas) as Record<string, JsonSchema>;
}

/** Leaves out what is noise to a reader: the dialect, which is OpenAPI's own, and rules that `format` or `type` imply. */
function tidy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(tidy);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key, entry]) => {
    if (key === '$schema' || key === '$id') return false;
    if (key === 'pattern') return !('format' in value);
    return !(key === 'minimum' || key === 'maximum') || Math.abs(entry as number) !== Number.MAX_SAFE_INTEGER;
  });
  return Object.fromEntries(entries.map(([key, entry]) => [key, tidy(entry)]));
}
