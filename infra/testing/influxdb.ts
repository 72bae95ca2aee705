import { influxql, type Series } from '../launcher/influxql.ts';
import { startTestInfluxdb, type TestInfluxdb as Server } from './servers.ts';

export interface TestInfluxdb extends Server {
  /** Asks one InfluxQL statement. @throws with InfluxDB's own words */
  ask(statement: string): Promise<Series[]>;
}

/** A private InfluxDB for one test file, of whichever version is installed. It starts within seconds. */
export async function createTestInfluxdb(): Promise<TestInfluxdb> {
  const server = await startTestInfluxdb();
  return { ...server, ask: (statement) => influxql(server.queryUrl, statement) };
}
