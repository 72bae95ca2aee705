import { bootstrap } from './bootstrap.mjs';

await bootstrap('schemathesis-tool.ts');
