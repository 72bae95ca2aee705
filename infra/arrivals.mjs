import { bootstrap } from './bootstrap.mjs';

await bootstrap('../load-tests/open-model.ts');
