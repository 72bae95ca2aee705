import type pg from 'pg';
import { sql, type Kysely } from 'kysely';
import type { Logger } from '../log.ts';
import { reasonOf } from '../reason-of.ts';
import type { Positions } from '../redis/positions.ts';
import { readPosition } from './lane-connection.ts';

/**
 * Who answered a read: the replica; or the primary, because something of the shopper may be committed any moment, nobody knows what they have seen, the replica
 * is behind that, or it does not answer.
 */
const readCauses = ['replica', 'changing', 'unknown', 'behind', 'away'] as const;
export type ReadCause = (typeof readCauses)[number];

/** Connecting included; then the primary is asked. */
export const answersWithinMs = 500;
/** So long nobody asks a replica that has just failed, so that one that hangs costs a few requests a moment and not all of them theirs. */
const awayForMs = 1_000;
/** The catalogue is at most so old. */
const recentMs = 1_000;

const replayed = sql<{ standby: boolean; position: number | null }>`
  SELECT pg_is_in_recovery() AS standby, (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::int8 AS position`;

/** Of a cluster, and of each standby of it. */
const clusterId = 'SELECT system_identifier::text AS id FROM pg_control_system()';

/**
 * To be asked of each new connection to a replica: a server of another cluster may be at the same positions with other rows. @throws when it is one.
 * The primary is asked once, for a failover changes nothing of it.
 */
export function verifyCluster<DB>(primary: Kysely<DB>): (replica: pg.ClientBase) => Promise<void> {
  let own: Promise<string> | undefined;
  const ask = async () => (await sql.raw<{ id: string }>(clusterId).execute(primary)).rows[0]!.id;
  return async (replica) => {
    own ??= ask().catch((error: unknown) => {
      own = undefined;
      throw error;
    });
    const [ours, its] = await Promise.all([own, replica.query<{ id: string }>(clusterId)]);
    if (ours === its.rows[0]!.id) return;
    throw new Error('READ_DATABASE_URL names a server that is no standby of the one that DATABASE_URL names');
  };
}

/** What is asked, and how far a replica must have come to answer it. */
interface Needing<Asked> {
  one: Asked;
  position: number;
}

export interface Replica<DB> {
  db: Kysely<DB>;
  positions: Positions;
}

/** How far a replica is, as of the last look. */
export interface ReplicaState {
  /** Whether it answers, and is a standby. */
  up: 0 | 1;
  /** Bytes of the write-ahead log that it has not replayed. */
  behindBytes?: number;
}

/**
 * The reads of routes. Without a replica the primary answers all of them. With one, it answers where it is new enough for the shopper, which is
 * looked at on the connection that reads, before the read: behind its address there may be several. Whatever keeps it from that, the primary
 * is asked: at once, or where it does not answer, after half a second and then by nobody for a second.
 */
export class Reads<DB> {
  readonly primary: Kysely<DB>;
  readonly #replica: Replica<DB> | undefined;
  readonly #log: Logger;
  readonly #counts = Object.fromEntries(readCauses.map((cause) => [cause, 0])) as Record<ReadCause, number>;
  #awayUntilMs = -Infinity;
  #wasAway = false;
  #sample: { position: number; atMs: number } | undefined;
  #state: ReplicaState = { up: 0 };

  constructor(options: { primary: Kysely<DB>; replica?: Replica<DB> | undefined; log: Logger }) {
    this.primary = options.primary;
    this.#replica = options.replica;
    this.#log = options.log;
  }

  /** By who answered since the start, and why not the replica. */
  get counts(): Readonly<Record<ReadCause, number>> {
    return this.#counts;
  }

  get state(): ReplicaState {
    return this.#state;
  }

  /** What concerns one shopper. */
  async ofShopper<T>(userId: string, read: (db: Kysely<DB>) => Promise<T>): Promise<T> {
    const rows = await this.ofShoppers([{ userId }], async (db) => [await read(db)]);
    return rows[0]!;
  }

  /**
   * What is asked for by several shoppers. Of those who do not say for whom they ask, or for whom the replica is not known to be new enough, the primary is asked.
   */
  async ofShoppers<Asked extends { userId?: string | undefined }, Row>(
    asked: Asked[],
    read: (db: Kysely<DB>, some: Asked[]) => Promise<Row[]>,
  ): Promise<Row[]> {
    if (!this.#replica) return read(this.primary, asked);
    const { positions } = this.#replica;
    const known = await positions.of(asked.flatMap(({ userId }) => userId ?? []));
    const elsewhere: Asked[] = [];
    const here: Needing<Asked>[] = [];
    const unknown = new Set<string>();
    for (const one of asked) {
      const position = one.userId === undefined ? 'changing' : known.shift()!;
      if (typeof position === 'number') {
        here.push({ one, position });
        continue;
      }
      elsewhere.push(one);
      this.#counts[position] += 1;
      if (position === 'unknown') unknown.add(one.userId!);
    }
    // What the primary says is newer, and stands behind what the replica says of the same.
    const rows = await Promise.all([
      here.length === 0 ? [] : this.#ofReplica(here, read),
      elsewhere.length === 0 ? [] : read(this.primary, elsewhere),
    ]);
    // After the read: whatever it has shown is older.
    if (unknown.size > 0)
      this.#position().then(
        (position) => positions.found([...unknown], position),
        () => {},
      );
    return rows.flat();
  }

  /** What everybody may see, a second old at most. */
  async recent<T>(read: (db: Kysely<DB>) => Promise<T>): Promise<T> {
    const { position, atMs } = this.#sample ?? { position: Infinity, atMs: -Infinity };
    const isRecent = performance.now() - atMs < recentMs;
    if (!this.#replica || !isRecent) return read(this.primary);
    const rows = await this.#ofReplica([{ one: undefined, position }], async (db) => [await read(db)]);
    return rows[0]!;
  }

  /** Looks how far both are; to be called a few times a second. Without the primary nobody can tell. @throws when it does not answer */
  async look(): Promise<void> {
    if (!this.#replica) return;
    await this.#replica.positions.settleOwed();
    const atMs = performance.now();
    this.#sample = undefined;
    this.#sample = { position: await this.#position(), atMs };
    try {
      const { standby, position: reached } = (await replayed.execute(this.#replica.db)).rows[0]!;
      if (!standby || reached === null) throw new Error('it is no standby');
      this.#state = { up: 1, behindBytes: Math.max(0, this.#sample.position - reached) };
      this.#isThere();
    } catch (error) {
      this.#state = { up: 0 };
      this.#isAway(error);
    }
  }

  /** Asks the replica for whom it is new enough, and for the others, or if it cannot be asked, the primary. */
  async #ofReplica<Asked, Row>(
    asked: Needing<Asked>[],
    read: (db: Kysely<DB>, some: Asked[]) => Promise<Row[]>,
  ): Promise<Row[]> {
    const all = asked.map(({ one }) => one);
    if (performance.now() >= this.#awayUntilMs) {
      const found = await this.#tryReplica(asked, read);
      if (found) {
        const behind = all.filter((one) => !found.of.has(one));
        this.#counts.replica += found.of.size;
        this.#counts.behind += behind.length;
        return behind.length === 0 ? found.rows : [...found.rows, ...(await read(this.primary, behind))];
      }
    }
    this.#counts.away += asked.length;
    return read(this.primary, all);
  }

  /** @returns undefined when it does not answer, or not in time */
  async #tryReplica<Asked, Row>(
    asked: Needing<Asked>[],
    read: (db: Kysely<DB>, some: Asked[]) => Promise<Row[]>,
  ): Promise<{ of: ReadonlySet<Asked>; rows: Row[] } | undefined> {
    const answers = this.#replica!.db.connection().execute(async (db) => {
      const { standby, position } = (await replayed.execute(db)).rows[0]!;
      const reached = standby && position !== null ? position : -1;
      const some = asked.filter((one) => one.position <= reached).map(({ one }) => one);
      return { of: new Set(some), rows: some.length === 0 ? [] : await read(db, some) };
    });
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(`no answer within ${answersWithinMs} ms`)), answersWithinMs);
    try {
      return await Promise.race([answers, late.promise]);
    } catch (error) {
      answers.catch(() => {}); // that nobody waits for any more
      this.#isAway(error);
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  async #position(): Promise<number> {
    return (await sql.raw<{ position: number }>(readPosition.text).execute(this.primary)).rows[0]!.position;
  }

  #isAway(error: unknown): void {
    this.#awayUntilMs = performance.now() + awayForMs;
    if (!this.#wasAway) this.#log.warn({ reason: reasonOf(error) }, 'the replica cannot be read: the primary is');
    this.#wasAway = true;
  }

  #isThere(): void {
    if (this.#wasAway) this.#log.info('the replica is read again');
    this.#wasAway = false;
  }
}
