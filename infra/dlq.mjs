import { bootstrap } from './bootstrap.mjs';

await bootstrap('dlq/main.ts');
