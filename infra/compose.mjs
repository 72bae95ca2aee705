import { bootstrap } from './bootstrap.mjs';

await bootstrap('compose.ts');
