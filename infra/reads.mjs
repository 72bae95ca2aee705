import { bootstrap } from './bootstrap.mjs';

await bootstrap('../load-tests/reads.ts');
