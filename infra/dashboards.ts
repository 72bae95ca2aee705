/** `npm run dashboards`: writes the dashboards anew to where Grafana finds them. */
import { argumentsOrExit, noArguments } from './command-line.ts';
import { writeGenerated } from './generated-file.ts';
import { dashboards, fileOf } from './grafana/dashboards/index.ts';

argumentsOrExit(noArguments, 'usage: npm run dashboards   renews the dashboards for Grafana');
for (const [name, dashboard] of Object.entries(dashboards)) await writeGenerated(fileOf(name), dashboard);
