import { bootstrap } from './bootstrap.mjs';

await bootstrap('launcher/main.ts', {
  stopped: 'stopped',
  killed: 'what it had started ends by itself, and the next npm start stops what does not',
});
