import { bootstrap } from './bootstrap.mjs';

await bootstrap('dashboards.ts');
