import { join } from 'node:path';
import type { InfluxdbVersion } from './influxdb.ts';

/** InfluxDB 2 runs as it is: a bucket answers InfluxQL as the database of its name, with the token as the password. */
export const version2: InfluxdbVersion = ({ folder, ports }, { user, org, bucket, retentionDays }) => ({
  server: {
    args: [
      `--http-bind-address=127.0.0.1:${ports.api}`,
      `--bolt-path=${join(folder, 'influxd.bolt')}`,
      `--sqlite-path=${join(folder, 'influxd.sqlite')}`,
      `--engine-path=${join(folder, 'engine')}`,
      '--reporting-disabled',
      '--log-level=warn',
    ],
    port: ports.api,
  },
  setUp: async ({ url, token }) => {
    const { allowed } = (await (await fetch(`${url}/api/v2/setup`)).json()) as { allowed: boolean };
    if (!allowed) return;
    const retentionPeriodSeconds = retentionDays * 86_400;
    const body = { username: user, password: token, token, org, bucket, retentionPeriodSeconds };
    const made = await fetch(`${url}/api/v2/setup`, { method: 'POST', body: JSON.stringify(body) });
    if (!made.ok) throw new Error(`InfluxDB cannot be set up: ${(await made.text()).slice(0, 300)}`);
  },
});
