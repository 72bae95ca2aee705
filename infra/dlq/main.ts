/** `npm run dlq`: looks at the events that no service could handle, and gives them to their services again. */
import { argumentsOrExit } from '../command-line.ts';
import { NotRunning } from '../launcher/running-stack.ts';
import { parseArguments, usage } from './arguments.ts';
import { countUntaken } from './broker.ts';
import { findBrokerUrl } from './broker-url.ts';
import { forDeadLetters } from './dead-letters.ts';
import { report, untakenListing } from './print.ts';
import { reasonOf } from '@flash-sale/shared/reason-of.ts';

const verdicts = { list: 'keep', show: 'keep', replay: 'replay', drop: 'drop' } as const;

const { command, selection, url } = argumentsOrExit(parseArguments, usage);
try {
  const brokerUrl = url ?? findBrokerUrl();
  const outcome = await forDeadLetters(brokerUrl, selection, verdicts[command]);
  for (const line of report(command, outcome)) console.log(line);
  if (command === 'list') for (const line of untakenListing(await countUntaken(brokerUrl))) console.log(line);
  process.exit(outcome.refused + outcome.unread.length > 0 ? 1 : 0);
} catch (error) {
  if (error instanceof NotRunning) console.error(`${error.message}. --url names another broker.`);
  else console.error(`The broker cannot be used: ${reasonOf(error)}`);
  process.exit(2);
}
