import { bootstrap } from './bootstrap.mjs';

await bootstrap('k6/main.ts');
