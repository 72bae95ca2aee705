import { bootstrap } from './bootstrap.mjs';

await bootstrap('asyncapi.ts');
