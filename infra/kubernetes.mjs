import { bootstrap } from './bootstrap.mjs';

await bootstrap('kubernetes.ts');
