/** `npm run schemathesis:tool`: gets Schemathesis, by which `npm test` drives the API as strangers' tools do. */
import { argumentsOrExit, noArguments } from './command-line.ts';
import { installSchemathesis } from './schemathesis/tool.ts';

argumentsOrExit(
  noArguments,
  'usage: npm run schemathesis:tool   gets Schemathesis, by which npm test drives the API as strangers’ tools do',
);

await installSchemathesis(console.log);
console.log('schemathesis is under .local; npm test uses it');
