import { expect, test } from '@jest/globals';
import {
  bringInContext,
  bringInContextOfText,
  contextOf,
  contextsOf,
  inContext,
  inContextOf,
  textOfContexts,
} from './event-context.ts';

const context = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };

test('the contexts of events travel in their order, and none where none has one', () => {
  const events = [{}, inContext({}, context), inContext({}, undefined)];
  expect(contextsOf(events)).toEqual([null, context, null]);
  expect(contextsOf([{}, {}])).toBeUndefined();
  expect(textOfContexts([{}])).toBeUndefined();

  const brought = [{}, {}, {}];
  bringInContextOfText(brought, textOfContexts(events));
  expect(brought.map(contextOf)).toEqual([undefined, context, undefined]);
});

test('a copy has the context of its original', () => {
  const original = inContext({}, context);
  expect(contextOf(inContextOf(original, {}))).toEqual(context);
  for (const none of [{}, null, undefined, 'text']) expect(contextOf(inContextOf(none, {}))).toBeUndefined();
});

test('more of them than may travel are left behind', () => {
  expect(contextsOf(Array.from({ length: 256 }, () => inContext({}, context)))).toHaveLength(256);
  expect(contextsOf(Array.from({ length: 2_000 }, () => inContext({}, context)))).toBeUndefined();
});

test.each([
  ['no list', { 0: context }],
  ['fewer than events', [context]],
  ['more', [context, context, context]],
  ['nothing', undefined],
  ['of a version that is not known', [{ traceparent: context.traceparent.replace('00-', '01-') }, null]],
  ['with an id of zeros', [{ traceparent: `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01` }, null]],
  ['too long', [{ traceparent: `${context.traceparent}-more` }, null]],
  ['of another type', [{ traceparent: 7 }, 'text']],
])('what others have sent that is %s is left out', (_, given) => {
  const events = [{}, {}];
  bringInContext(events, given);
  expect(events.map(contextOf)).toEqual([undefined, undefined]);
});

test('what a later release sends besides is left out, and what cannot have a context has none', () => {
  const events = ['nonsense', {}, null];
  bringInContext(events, [context, { ...context, later: 1 }, context]);
  expect(contextOf(events[1] as object)).toEqual(context);
});
