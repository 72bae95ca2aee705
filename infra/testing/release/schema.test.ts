import { expect, test } from '@jest/globals';
import { narrowedIn, type Schema } from './schema.ts';

const column = { type: 'text', nullable: false, default: null, required: true };
const check = (...states: string[]) => `CHECK ((state = ANY (ARRAY[${states.map((s) => `'${s}'::text`).join(', ')}])))`;
const before: Schema = {
  columns: {
    'holds.id': column,
    'holds.state': column,
    'holds.note': { ...column, nullable: true, required: false },
    'holds.tries': { ...column, type: 'integer', default: '0', required: false },
  },
  constraints: { 'holds.holds_pkey': 'PRIMARY KEY (id)', 'holds.states': check('held', 'released') },
  indexes: { 'holds.holds_pkey': 'CREATE UNIQUE INDEX holds_pkey ON public.holds USING btree (id)' },
};
const after = (change: { [Part in keyof Schema]?: Record<string, unknown> }): Schema => ({
  columns: { ...before.columns, ...(change.columns as Schema['columns']) },
  constraints: { ...before.constraints, ...(change.constraints as Schema['constraints']) },
  indexes: { ...before.indexes, ...(change.indexes as Schema['indexes']) },
});
const without = (part: keyof Schema, name: string): Schema => ({
  ...before,
  [part]: Object.fromEntries(Object.entries(before[part]).filter(([key]) => key !== name)),
});

test.each<[string, Schema]>([
  ['nothing has changed', before],
  ['a table is new', after({ columns: { 'leases.id': column }, constraints: { 'leases.pk': 'PRIMARY KEY (id)' } })],
  ['a new column may be null', after({ columns: { 'holds.owner': { ...column, nullable: true, required: false } } })],
  ['a new column has a default', after({ columns: { 'holds.owner': { ...column, default: 'x', required: false } } })],
  [
    'a column may be null by now',
    after({ columns: { 'holds.state': { ...column, nullable: true, required: false } } }),
  ],
  ['one more state is allowed', after({ constraints: { 'holds.states': check('held', 'released', 'committed') } })],
  ['a constraint is on a new column', after({ constraints: { 'holds.owned': 'CHECK ((owner <> x))' } })],
  ['an index is new', after({ indexes: { 'holds.by_state': 'CREATE INDEX by_state ON public.holds (state)' } })],
])('an earlier release works on where %s', (_what, schema) => {
  expect(narrowedIn(before, schema)).toEqual([]);
});

test.each<[string, Schema, RegExp]>([
  ['a column is gone', without('columns', 'holds.note'), /holds\.note is gone/],
  [
    'a column has another type',
    after({ columns: { 'holds.state': { ...column, type: 'uuid' } } }),
    /uuid and was text/,
  ],
  ['a column may no longer be null', after({ columns: { 'holds.note': column } }), /no longer be null/],
  ['a default is gone', after({ columns: { 'holds.tries': { ...column, type: 'integer' } } }), /default null, not 0/],
  ['a new column must be given', after({ columns: { 'holds.owner': column } }), /owner is new/],
  ['a constraint is gone', without('constraints', 'holds.holds_pkey'), /holds_pkey is gone/],
  ['a state is not allowed any more', after({ constraints: { 'holds.states': check('held') } }), /holds\.states is/],
  [
    'a new constraint is on old columns',
    after({ constraints: { 'holds.short': 'CHECK ((length(note) < 9))' } }),
    /new/,
  ],
  ['an index is gone', without('indexes', 'holds.holds_pkey'), /indexes: holds\.holds_pkey is gone/],
])('an earlier release would stumble where %s', (_what, schema, told) => {
  expect(narrowedIn(before, schema)).toEqual([expect.stringMatching(told)]);
});
