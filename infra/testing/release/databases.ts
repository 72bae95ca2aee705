import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { databaseNameOf, databases, type DatabaseName } from '../../launcher/database-names.ts';
import { urlFor, withClient, type DatabaseUrls } from '../../launcher/databases.ts';
import { folderWith } from '../../launcher/find-executable.ts';
import { catalogue } from '../../launcher/programs.ts';

const maxDumpBytes = 16 * 1024 * 1024;
/** What stands before each database's part of the dump. */
const heading = (name: DatabaseName) => `-- database ${databaseNameOf(name)}\n`;

/**
 * All databases as SQL that their owners may run: tables, rows and privileges, no roles. Shortened by what says nothing.
 * @throws when there is no pg_dump, or it fails
 */
export async function dumpDatabases(adminUrl: string): Promise<string> {
  const folder = folderWith(['pg_dump'], catalogue.postgres.folders);
  if (folder === undefined) throw new Error('pg_dump was not found; it comes with the client programs of PostgreSQL');
  const parts: string[] = [];
  for (const name of databases) {
    const args = ['--no-owner', '--inserts', '--rows-per-insert=1000', urlFor(adminUrl, databaseNameOf(name))];
    const { stdout } = await promisify(execFile)(join(folder, 'pg_dump'), args, { maxBuffer: maxDumpBytes });
    // Newer versions of pg_dump write commands of psql, which no other client knows.
    parts.push(heading(name) + stdout.replaceAll(/^(--.*|\\.*|SET .*;|)\n/gm, ''));
  }
  return parts.join('');
}

/** Fills the databases that have just been provisioned, each as its owner, so that it is his. */
export async function restoreDatabases(dump: string, urls: Record<DatabaseName, DatabaseUrls>): Promise<void> {
  for (const name of databases) {
    const [, rest = ''] = dump.split(heading(name));
    const [part = ''] = rest.split(/^-- database /m);
    await withClient(urls[name].owner, (owner) => owner.query(part));
  }
}
