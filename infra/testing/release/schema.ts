import { databases, type DatabaseName } from '../../launcher/database-names.ts';
import { withClient, type DatabaseUrls } from '../../launcher/databases.ts';

interface Column {
  type: string;
  nullable: boolean;
  default: string | null;
  /** Whether an insert that does not name it fails. */
  required: boolean;
}

/** What whoever uses a database stands on. Constraints and indexes by name, with their definition. */
export interface Schema {
  columns: Record<string, Column>;
  constraints: Record<string, string>;
  indexes: Record<string, string>;
}
export type Schemas = Record<DatabaseName, Schema>;

const columns = `
  SELECT table_name || '.' || column_name AS name,
         json_build_object(
           'type', format_type(a.atttypid, a.atttypmod), 'nullable', is_nullable = 'YES', 'default', column_default,
           'required', is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO' AND is_generated = 'NEVER'
         ) AS value
    FROM information_schema.columns c
    JOIN pg_attribute a ON a.attrelid = format('%I.%I', table_schema, table_name)::regclass AND a.attname = column_name
   WHERE table_schema = 'public'`;
const constraints = `
  SELECT conrelid::regclass || '.' || conname AS name, pg_get_constraintdef(oid) AS value
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'`;
const indexes = `SELECT tablename || '.' || indexname AS name, indexdef AS value FROM pg_indexes WHERE schemaname = 'public'`;

/** Reads the schemas of all databases. */
export async function readSchemas(urls: Record<DatabaseName, Pick<DatabaseUrls, 'auditor'>>): Promise<Schemas> {
  const read = async (name: DatabaseName) => [name, await readSchema(urls[name].auditor)];
  return Object.fromEntries(await Promise.all(databases.map(read))) as Schemas;
}

export async function readSchema(url: string): Promise<Schema> {
  return withClient(url, async (client) => {
    const found = async <Value>(sql: string) => {
      const { rows } = await client.query<{ name: string; value: Value }>(`${sql} ORDER BY 1`);
      return Object.fromEntries(rows.map((row) => [row.name, row.value]));
    };
    return {
      columns: await found<Column>(columns),
      constraints: await found<string>(constraints),
      indexes: await found<string>(indexes),
    };
  });
}

/**
 * In words, what of an earlier schema a later one has taken away or narrowed, so that a process of the earlier release,
 * which goes on beside it for a while, would stumble: it reads and writes by the names, types and defaults that it
 * knows, and inserts rows without the columns that it does not know.
 */
export function narrowedIn(before: Schema, after: Schema): string[] {
  const found: string[] = [];
  for (const [name, was] of Object.entries(before.columns)) {
    const is = after.columns[name];
    if (!is) found.push(`column ${name} is gone`);
    else if (is.type !== was.type) found.push(`column ${name} is ${is.type} and was ${was.type}`);
    else if (was.nullable && !is.nullable) found.push(`column ${name} may no longer be null`);
    else if (is.default !== was.default) found.push(`column ${name} has the default ${is.default}, not ${was.default}`);
  }
  const tables = new Set(Object.keys(before.columns).map(tableOf));
  for (const [name, { required }] of Object.entries(after.columns)) {
    const isNew = tables.has(tableOf(name)) && !(name in before.columns);
    if (isNew && required) found.push(`column ${name} is new, may not be null and has no default`);
  }
  for (const kind of ['constraints', 'indexes'] as const) {
    for (const [name, was] of Object.entries(before[kind])) {
      const is = after[kind][name];
      if (is === undefined) found.push(`${kind}: ${name} is gone`);
      else if (is !== was && !isWidened(was, is)) found.push(`${kind}: ${name} is ${is} and was ${was}`);
    }
  }
  for (const [name, definition] of Object.entries(after.constraints)) {
    const onOldColumns = tables.has(tableOf(name)) && !(name in before.constraints);
    const names = Object.keys(before.columns).filter((column) => tableOf(column) === tableOf(name));
    const known = names.some((column) => new RegExp(`\\b${column.split('.')[1]}\\b`).test(definition));
    if (onOldColumns && known)
      found.push(`constraint ${name} is new, on what the earlier release writes: ${definition}`);
  }
  return found;
}

const tableOf = (name: string) => name.split('.')[0]!;

/** A check by a list of texts, such as states, may allow more of them. */
function isWidened(was: string, is: string): boolean {
  const texts = (definition: string) => [...definition.matchAll(/'([^']*)'::text/g)].map(([, text]) => text!);
  const frame = (definition: string) => definition.replace(/ARRAY\[.*?\]/s, 'ARRAY[]');
  return frame(was) === frame(is) && is.includes('ARRAY[') && texts(was).every((text) => texts(is).includes(text));
}
