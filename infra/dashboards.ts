/** `npm run dashboards`: writes the dashboards anew to where Grafana finds them. */
import { writeGenerated } from './generated-file.ts';
import { dashboards, fileOf } from './grafana/dashboards/index.ts';

for (const [name, dashboard] of Object.entries(dashboards)) await writeGenerated(fileOf(name), dashboard);
