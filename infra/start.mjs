import { bootstrap } from './bootstrap.mjs';

await bootstrap('launcher/main.ts');
