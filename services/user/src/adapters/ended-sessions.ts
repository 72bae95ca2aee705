import { orUnavailable } from '@flash-sale/shared/db/connection.ts';
import type { EndedPage } from '@flash-sale/shared/ended-sessions.ts';
import { sql, type Kysely } from 'kysely';
import type { Tables } from './tables.ts';

const pageSize = 1_000;
/**
 * How far each page reaches back before its cursor: a session's end is dated by the start of its transaction, and becomes visible
 * up to this much later. So some are reported twice.
 */
const overlapS = 60;
const cursorForm = /^([0-9 :.+-]{19,40})\/([0-9a-f-]{36})$/;
const lowestId = '00000000-0000-0000-0000-000000000000';

interface Row {
  id: string;
  untilMs: number;
  version: number | null;
  keptSession: string | null;
  at: string;
  overlapFrom: string;
}

/**
 * A page of the sessions that ended after the cursor, by the database's clock. A cursor in the future (the clock went back) counts
 * as none.
 * @param keepS how long an access token could be good after its session has ended
 * @throws AppError unavailable
 */
export async function endedAfter(db: Kysely<Tables>, cursor: string | undefined, keepS: number): Promise<EndedPage> {
  const [, since = '-infinity', afterId = lowestId] = cursorForm.exec(cursor ?? '') ?? [];
  const query = sql<Row>`
    WITH clock AS (SELECT now() AS now, CASE WHEN ${since}::timestamptz <= now() THEN ${since}::timestamptz ELSE '-infinity' END AS since),
    ended AS (
      SELECT id, revoked_at AS at, NULL::int AS version, NULL::uuid AS kept
        FROM session WHERE revoked_at > now() - make_interval(secs => ${keepS})
      UNION ALL
      SELECT id, credentials_changed_at, credentials_version, kept_session
        FROM account WHERE credentials_changed_at > now() - make_interval(secs => ${keepS}))
    SELECT page.id, page.version, page.kept AS "keptSession", page.at::text AS at,
           (extract(epoch FROM page.at) * 1000 + ${keepS * 1_000})::float8 AS "untilMs",
           (clock.now - make_interval(secs => ${overlapS}))::text AS "overlapFrom"
      FROM clock LEFT JOIN LATERAL (
        SELECT * FROM ended WHERE (at, id) > (clock.since, ${afterId}::uuid) ORDER BY at, id LIMIT ${pageSize}) page ON true`;
  const { rows } = await orUnavailable(query.execute(db));
  const found = rows.filter(({ id }) => id !== null);
  const more = found.length === pageSize;
  const last = found.at(-1);
  return {
    sessions: found.filter(({ version }) => version === null).map(({ id, untilMs }) => ({ id, untilMs })),
    accounts: found.flatMap(({ id, untilMs, version, keptSession }) =>
      version === null ? [] : [{ id, untilMs, version, keptSession }],
    ),
    cursor: more && last ? `${last.at}/${last.id}` : `${rows[0]!.overlapFrom}/${lowestId}`,
    more,
  };
}
