import { AsyncLocalStorage } from 'node:async_hooks';
import { reasonOf } from '../reason-of.ts';
import type { Attributes, SpanKind } from './span.ts';
import { readTraceparent } from './trace-context.ts';
import type { LocalRoot } from './tracing.ts';

/** What the code that runs is about: a request, or the handling of an event; nothing where tracing is off. */
export const running = new AsyncLocalStorage<LocalRoot>();

export interface Piece {
  kind?: SpanKind;
  attributes?: Attributes;
}

/** Does a piece of the work that is under way, and tells of it where it is traced. @throws as the work does */
export function traced<Answer>(name: string, work: () => Promise<Answer>, about: Piece = {}): Promise<Answer> {
  const root = running.getStore();
  return root ? asPieceOf(root, name, work, about) : work();
}

async function asPieceOf<Answer>(
  root: LocalRoot,
  name: string,
  work: () => Promise<Answer>,
  { kind, attributes }: Piece,
): Promise<Answer> {
  const span = root.begin(name, kind);
  Object.assign(span.attributes, attributes);
  try {
    const answer = await work();
    span.end();
    return answer;
  } catch (error) {
    span.end({ failure: reasonOf(error) });
    throw error;
  }
}

/** Has the request that is under way point to what was done before for the same purchase. @param origin as in Context */
export function linkTo(origin: string | undefined): void {
  const before = readTraceparent(origin);
  if (before) running.getStore()?.span.links.push(before);
}
