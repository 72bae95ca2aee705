import { bootstrap } from './bootstrap.mjs';

await bootstrap('trace/main.ts');
