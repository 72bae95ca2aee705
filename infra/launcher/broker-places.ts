import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from './whole-file.ts';

/** The RabbitMQ of the data folder itself, as a place; one that was given is named by `placeOf`. */
export const ownBroker = 'own';

/** A broker that is away, or may hold events of this data and cannot be emptied; the message says what to do. */
export class UnusableBroker extends Error {}

/** Where a broker is, without the user and password of its URL. */
export function placeOf(url: string): string {
  const { protocol, hostname, port, pathname } = new URL(url);
  return `${hostname}:${port || (protocol === 'amqps:' ? '5671' : '5672')}${pathname === '/' ? '' : pathname}`;
}

/** Whether a release that notes brokers has run on this data; on data without notes any broker may have been used. */
export const hasNotes = (dataDir: string): boolean => existsSync(fileIn(dataDir));

const fileIn = (dataDir: string) => join(dataDir, 'brokers.json');

/**
 * The brokers that may hold events of this data: those that a stack has used, until they have been seen to be empty. What a
 * release before has used, which did not write that down, is found by its folder.
 */
export function readPlaces(dataDir: string): string[] {
  if (hasNotes(dataDir)) return JSON.parse(readFileSync(fileIn(dataDir), 'utf8')) as string[];
  return existsSync(join(dataDir, 'data/rabbitmq')) ? [ownBroker] : [];
}

/** To be called before anything can be published there; with no place, to note that there is none. */
export function notePlaces(dataDir: string, ...places: string[]): void {
  write(dataDir, [...new Set([...readPlaces(dataDir), ...places])]);
}

/** To be called when nothing is left there, and nobody can publish any more. */
export function forgetPlace(dataDir: string, place: string): void {
  write(
    dataDir,
    readPlaces(dataDir).filter((other) => other !== place),
  );
}

const write = (dataDir: string, places: string[]) => writeWhole(fileIn(dataDir), places, 0o600);
