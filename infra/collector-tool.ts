/** `npm run collector:tool`: builds an OpenTelemetry Collector, by which `npm test` checks what services send. */
import { installCollector } from './collector/tool.ts';
import { argumentsOrExit, noArguments } from './command-line.ts';

argumentsOrExit(
  noArguments,
  'usage: npm run collector:tool   builds an OpenTelemetry Collector with Go, by which npm test checks what services send',
);

await installCollector(console.log);
console.log('the collector is under .local; npm test uses it');
