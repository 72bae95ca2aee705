import { createHmac } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { stackNames, type StackName } from '@flash-sale/shared/stacks.ts';
import type { Secrets } from '../../launcher/secrets.ts';

/** What releases have left behind: one folder each, made by e2e/fixtures/make-release.ts. */
const fixtures = join(import.meta.dirname, '../../../e2e/fixtures');

/** The releases of which there is a fixture, by the name of their folder. */
export const releases: readonly string[] = readdirSync(fixtures).filter((name) => name.startsWith('release-'));

export const folderOf = (release: string): string => join(fixtures, release);

/** The stacks that a release had, each with a folder of what it has left. */
export const stacksOf = (release: string): StackName[] =>
  stackNames.filter((name) => existsSync(join(folderOf(release), name)));

/** Something that a client of the release was given, and what is to become of it. */
export interface Promised {
  id: string;
  /** The key of `shoppers` in `Clients`. */
  of: string;
  /** What the release answered to its shopper last: it goes on being true, but for what is under way. */
  body: Record<string, unknown>;
  /** The status that it must come to. */
  becomes: string;
  /** Why it is not there yet. */
  waitsFor?: 'dead letter';
}

/** What the clients of a release have in hand when it stops. */
export interface Clients {
  takenAt: string;
  shoppers: Record<string, { email: string; password: string; accessToken: string }>;
  refreshTokens: { live: string[]; used: string; ofEndedFamily: string };
  carts: Promised[];
  reservations: Promised[];
  orders: Promised[];
  payments: Promised[];
  products: Record<string, unknown>[];
  /** A page that was read half, and the ids on the rest of it. */
  cursors: { products: { path: string; rest: string[] }; orders: { of: string; path: string; rest: string[] } };
  /** Requests that were sent with a key, and what they made. */
  keys: { of: string; path: string; key: string; body: unknown; made: string }[];
}

/** One stack of a release, with its times moved as if it had been stopped just now. */
export interface Fixture {
  secrets: Secrets;
  clients: Clients;
  /** The other files, as text. */
  read: (file: string) => string;
}

const tenYearsMs = 315_360_000_000;
/**
 * Services judge by the time in an id whether something is too old to be known of. A shop that changes its release has nothing
 * under way that is a day old; these settings make ten years of it, for ids cannot be moved as times are: others are signed with them.
 */
export const settingsForIds = { INBOX_RETENTION_MS: `${tenYearsMs}` };

/** Reads what a release has left. @throws when there is no such release */
export function readFixture(release: string, kind: StackName, now = new Date()): Fixture {
  const folder = folderOf(release);
  const secrets = JSON.parse(readFileSync(join(folder, 'secrets.json'), 'utf8')) as Secrets;
  const textOf = (file: string) => {
    const bytes = readFileSync(join(folder, kind, file));
    return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  };
  const { takenAt } = JSON.parse(textOf('clients.json')) as Clients;
  const byMs = now.getTime() - Date.parse(takenAt);
  const read = (file: string) => withTimesMoved(textOf(file), byMs);
  const clients = JSON.parse(read('clients.json')) as Clients;
  for (const shopper of Object.values(clients.shoppers))
    shopper.accessToken = withTokenMoved(shopper.accessToken, secrets.jwtSecret, byMs);
  return { secrets, clients, read };
}

/** As PostgreSQL writes it (`2026-11-26 16:43:13.12+00`) or as JSON does (`2026-11-26T16:43:13.120Z`). */
const time = /\b(\d{4}-\d\d-\d\d)([ T])(\d\d:\d\d:\d\d(?:\.\d{1,6})?)(\+00|Z)(?![\d:])/g;

/**
 * Moves every time in a text by the same. Holds, sessions and tokens run out, and what was due is due at a moment: so a
 * fixture of any age is as if it had been made just now. Ids keep the time that is in them: `settingsForIds`.
 */
export function withTimesMoved(text: string, byMs: number): string {
  return text.replaceAll(time, (_whole, day: string, between: string, clock: string, zone: string) => {
    const [date = '', rest = ''] = new Date(Date.parse(`${day}T${clock}Z`) + byMs).toISOString().split('T');
    return `${date}${between}${rest.replace('Z', zone)}`;
  });
}

/** The token that the release would have signed that much later. */
export function withTokenMoved(token: string, secret: string, byMs: number): string {
  const [head = '', payload = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { iat: number; exp: number };
  const later = (seconds: number) => seconds + Math.round(byMs / 1_000);
  const moved = { ...claims, iat: later(claims.iat), exp: later(claims.exp) };
  const signed = `${head}.${Buffer.from(JSON.stringify(moved)).toString('base64url')}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
