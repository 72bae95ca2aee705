import { bootstrap } from './bootstrap.mjs';

await bootstrap('collector-tool.ts');
