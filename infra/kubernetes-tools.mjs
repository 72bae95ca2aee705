import { bootstrap } from './bootstrap.mjs';

await bootstrap('kubernetes-tools.ts');
