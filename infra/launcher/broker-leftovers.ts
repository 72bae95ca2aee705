import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withChannel } from '@flash-sale/shared/messaging/amqp-channel.ts';
import { needsRabbitmq, stackNames, stacks } from '@flash-sale/shared/stacks.ts';
import { countDeadLetters, countWaitingByQueue } from '../dlq/broker.ts';
import { forgetPlace, hasNotes, notePlaces, ownBroker, placeOf, readPlaces, UnusableBroker } from './broker-places.ts';
import { withProgress } from './progress.ts';
import { preparePrograms } from './programs.ts';
import { startOwnRabbitmq, urlsOfGivenBroker, type RabbitmqUrls } from './servers.ts';
import { serviceProgram, type ServiceProcess, type StackContext } from './service-program.ts';
import { setUpBroker } from './set-up.ts';
import { chooseInstances, consumersName, type Site } from './site.ts';

/*
 * What a broker still holds is part of the data. A stack that does not use that broker would leave it there for ever, so that
 * consumers empty it before such a stack starts.
 */

/** Enough for what waits longest for its next try, and for a backlog of a million. */
const emptyWithinMs = 300_000;
const lookEveryMs = 200;
/** What a service has taken and not handled yet is not counted: so long nothing may have been seen before we believe it. */
const emptyForMs = 1_000;

const nothingDone = 'No service was started, and nothing was changed';

/**
 * Brokers that may hold events of this data, and are not the one that this stack uses. One whose address is given, and that
 * nothing has been noted of, is another shop's, unless the data is of a release that noted nothing.
 */
function otherPlaces({ options, dataDir }: Pick<Site, 'options' | 'dataDir'>): string[] {
  const given = options.amqpUrl === undefined ? undefined : placeOf(options.amqpUrl);
  const unknown = given !== undefined && !hasNotes(dataDir) && existsSync(join(dataDir, 'data')) ? [given] : [];
  const inUse = needsRabbitmq(options.stack) ? (given ?? ownBroker) : undefined;
  return [...new Set([...readPlaces(dataDir), ...unknown])].filter((place) => place !== inUse);
}

/**
 * To be called before anything is started. A stack that has a broker of its own does not refuse to go on for another's.
 * @throws UnusableBroker when events may lie in a broker whose address nobody has given, or that cannot be reached
 */
export async function assertBrokersReachable(site: Pick<Site, 'options' | 'dataDir' | 'say'>): Promise<void> {
  const { amqpUrl } = site.options;
  const places = otherPlaces(site);
  if (amqpUrl !== undefined && !needsRabbitmq(site.options.stack) && !places.includes(placeOf(amqpUrl)))
    site.say('AMQP_URL is given, but this stack has no broker, and this data has used none there: it is left alone');
  for (const place of places.filter((one) => one !== ownBroker)) {
    const mayHold = `The RabbitMQ at ${place} may still hold events of this data`;
    if (needsRabbitmq(site.options.stack)) site.say(`${mayHold}, and is not the one of this start`);
    else if (amqpUrl === undefined || placeOf(amqpUrl) !== place)
      throw new UnusableBroker(
        `${mayHold}. ${nothingDone}: give its address in AMQP_URL, or, if it is gone for good, remove it from ${join(site.dataDir, 'brokers.json')}.`,
      );
    else
      await withChannel(amqpUrl, () => Promise.resolve()).catch((cause: Error) => {
        throw new UnusableBroker(
          `The RabbitMQ at ${place} (AMQP_URL) may still hold events of this data and cannot be reached (${cause.message}). ${nothingDone}: start it, or, if it is gone for good, remove it from ${join(site.dataDir, 'brokers.json')} and start without AMQP_URL.`,
          { cause },
        );
      });
  }
  if (!hasNotes(site.dataDir)) notePlaces(site.dataDir, ...places);
}

/**
 * Empties every broker but that of this stack, by running the services that consume from it.
 * @throws UnusableBroker when events are left after `emptyWithinMs`; a stack with a broker of its own says so and goes on
 */
export async function emptyOtherBrokers(site: Site, context: StackContext): Promise<void> {
  const { amqpUrl } = site.options;
  for (const place of otherPlaces(site)) {
    try {
      if (place === ownBroker) await whileOwnBrokerRuns(site, (urls) => empty(site, context, urls));
      else if (amqpUrl !== undefined && placeOf(amqpUrl) === place)
        await empty(site, context, urlsOfGivenBroker(amqpUrl));
      else continue;
      forgetPlace(site.dataDir, place);
    } catch (error) {
      if (!(error instanceof UnusableBroker) || !needsRabbitmq(site.options.stack)) throw error;
      site.say(error.message);
    }
  }
}

async function whileOwnBrokerRuns(site: Site, work: (urls: RabbitmqUrls) => Promise<void>): Promise<void> {
  site.say('starting RabbitMQ, which may still hold events of an earlier run …');
  const urls = await startOwnRabbitmq(site, await preparePrograms(['rabbitmq', 'erlang'], site.say));
  try {
    await work(urls);
  } finally {
    for (const name of ['rabbitmq', 'epmd']) await site.processes.get(name).stop();
  }
}

async function empty(site: Site, context: StackContext, urls: RabbitmqUrls): Promise<void> {
  const { say, signal } = site;
  await setUpBroker(urls.admin);
  const deadline = performance.now() + (site.options.emptyBrokerWithinMs ?? emptyWithinMs);
  const untilNothingWaits = (note: (line: string) => void) => untilEmpty(urls.operator, { deadline, signal, note });
  const seen = await whatWaits(urls.operator);
  say(
    seen.length > 0
      ? `RabbitMQ still holds events (${seen.join(', ')}): handling them first …`
      : 'RabbitMQ seems to hold nothing of this data: looking closely …',
  );
  // Also when it seems to hold nothing: what is on its way from one queue to another is in none, and a queue that has just been
  // started may not know yet. Consumers are ready only when all queues are.
  let left: string[];
  do {
    signal.throwIfAborted();
    const consumers = await site.processes.start(await consumersOf(context, urls));
    left = await withProgress(say, untilNothingWaits);
    await consumers.stop();
    // What they were at when they were stopped is counted only then.
    if (left.length === 0) left = await untilEmpty(urls.operator, { deadline: 0, signal });
  } while (left.length > 0 && performance.now() <= deadline);
  if (left.length > 0) throw stillLeft(site, left);
  const dead = (await countDeadLetters(urls.operator)).filter(([, count]) => count > 0);
  const deadLetters = dead.map(([name, count]) => `${name}: ${count}`).join(', ');
  say(
    dead.length > 0
      ? `RabbitMQ holds no events any more, but dead letters (${deadLetters}): npm run dlq, while a stack with RabbitMQ runs`
      : 'RabbitMQ holds no events any more',
  );
}

/**
 * Ends when nothing has waited for a while, or something waits and no time is left.
 * @returns what waits
 */
async function untilEmpty(
  url: string,
  options: { deadline: number; signal: AbortSignal; note?: (line: string) => void },
): Promise<string[]> {
  const { deadline, signal, note } = options;
  let emptySince: number | undefined;
  for (;;) {
    const left = await whatWaits(url);
    const now = performance.now();
    note?.(`waiting in RabbitMQ: ${left.join(', ') || 'nothing'}`);
    emptySince = left.length > 0 ? undefined : (emptySince ?? now);
    if (emptySince === undefined ? now > deadline : now - emptySince >= emptyForMs) return left;
    await sleep(lookEveryMs, undefined, { signal });
  }
}

const whatWaits = async (url: string) =>
  (await countWaitingByQueue(url)).filter(([, count]) => count > 0).map(([queue, count]) => `${queue}: ${count}`);

const stillLeft = ({ logsFolder, options }: Site, left: string[]) =>
  new UnusableBroker(
    `RabbitMQ still holds events (${left.join(', ')}), after ${(options.emptyBrokerWithinMs ?? emptyWithinMs) / 1_000} s. No stack was started, and none of them is lost: start again to go on with them; why they fail stands in ${join(logsFolder, `${consumersName}.log`)}.`,
  );

/** One instance of each service, behind no nginx: they are here for the events alone. */
async function consumersOf(context: StackContext, urls: RabbitmqUrls) {
  const instances = await chooseInstances(1);
  const consumers: ServiceProcess = { name: consumersName, instance: 1, instances };
  const stack = stackNames.find((name) => stacks[name].events === 'amqp')!;
  return serviceProgram(consumers, { ...context, stack, layout: 'shared', rabbitmq: urls, influxdb: undefined });
}
