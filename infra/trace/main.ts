/** `npm run trace`: where the time of a purchase went. */
import { join } from 'node:path';
import { argumentsOrExit } from '../command-line.ts';
import { defaultDataDir } from '../launcher/running-stack.ts';
import { parseArguments, usage } from './arguments.ts';
import { purchaseOf } from './purchase.ts';
import { spansIn, type Span } from './spans.ts';
import { waterfall } from './waterfall.ts';
import { reasonOf } from '@flash-sale/shared/reason-of.ts';

const { id, folder = join(defaultDataDir, 'data/traces') } = argumentsOrExit(parseArguments, usage);
const all: Span[] = [];
try {
  for await (const span of spansIn(folder)) all.push(span);
} catch (error) {
  const reason = reasonOf(error);
  console.error(
    `There are no spans to read: ${reason}. A shop keeps them when it is started so: npm start -- --traces`,
  );
  process.exit(2);
}
const purchase = purchaseOf(id, all);
if (!purchase) {
  console.error(
    `Of ${id} nothing is known among ${all.length} spans: it is written down a second after it has happened, and kept until newer ones need the place.`,
  );
  process.exit(1);
}
for (const line of waterfall(purchase)) console.log(line);
