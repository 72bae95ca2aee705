import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { InfluxdbOptions, InfluxdbPorts, InfluxdbVersion } from './influxdb.ts';
import { influxql } from './influxql.ts';
import { nginxWith, templates } from './nginx.ts';
import { fillIn, mainDirectives } from './nginx-config.ts';
import { influxqlString, nginxString, tomlString } from './quoting.ts';
import type { Program } from './supervised.ts';
import { writeFor } from './unprivileged.ts';

/** InfluxDB 1 answers InfluxQL; an nginx in front of it takes the writes of a client of InfluxDB 2. */
export const version1: InfluxdbVersion = async (options, { user, bucket, retentionDays }) => {
  const { folder, ports, runAs } = options;
  const config = join(folder, 'influxdb.conf');
  await writeFor(runAs, config, configuration(folder, ports), 0o600);
  return {
    server: { args: ['-config', config], port: ports.server },
    front: { program: await frontProgram(options, user), port: ports.api },
    setUp: async ({ queryUrl, token }) => {
      // The first user may be made by anybody; from there on this asks for the password, and changes nothing.
      await influxql(queryUrl, `CREATE USER ${user} WITH PASSWORD ${influxqlString(token)} WITH ALL PRIVILEGES`);
      await influxql(queryUrl, `CREATE DATABASE ${bucket} WITH DURATION ${retentionDays}d SHARD DURATION 1d`);
    },
  };
};

async function frontProgram(options: InfluxdbOptions, user: string): Promise<Program> {
  const { nginx, frontFolder, logsFolder, ports, token, frontRunsAs } = options;
  const logFile = join(logsFolder, 'influxdb-front.log');
  const template = await readFile(join(templates, 'influxdb-1.conf.template'), 'utf8');
  const config = fillIn(template, {
    MAIN_DIRECTIVES: mainDirectives(frontRunsAs),
    DATA_DIR: '.',
    AUTHORIZATION: nginxString(`Token ${token}`),
    BASIC_AUTHORIZATION: nginxString(`Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`),
    API_PORT: ports.api,
    SERVER_PORT: ports.server,
  });
  return nginxWith({
    name: 'influxdb-front',
    executable: nginx,
    folder: frontFolder,
    logFile,
    config,
    port: ports.api,
  });
}

/** As little work as can be: it runs beside what it measures. */
function configuration(folder: string, ports: InfluxdbPorts): string {
  return `reporting-disabled = true
bind-address = "127.0.0.1:${ports.rpc}"

[meta]
dir = ${tomlString(join(folder, 'meta'))}
logging-enabled = false

[data]
dir = ${tomlString(join(folder, 'data'))}
wal-dir = ${tomlString(join(folder, 'wal'))}
wal-fsync-delay = "100ms"
cache-max-memory-size = "128m"
max-concurrent-compactions = 1
query-log-enabled = false

[coordinator]
query-timeout = "10s"

[monitor]
store-enabled = false

[subscriber]
enabled = false

[continuous_queries]
enabled = false

[http]
bind-address = "127.0.0.1:${ports.server}"
auth-enabled = true
log-enabled = false
pprof-enabled = false

[logging]
level = "warn"
suppress-logo = true
`;
}
