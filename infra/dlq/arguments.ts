import { subscribingServices } from '@flash-sale/shared/messaging/amqp-topology.ts';
import type { ServiceName } from '@flash-sale/contract/services.ts';
import { optionsIn, UsageError } from '../command-line.ts';
import type { Selection } from './selection.ts';

export const commands = ['list', 'show', 'replay', 'drop'] as const;

export interface DlqArguments {
  command: (typeof commands)[number];
  selection: Selection;
  /** Undefined for the broker of the stack that runs. */
  url: string | undefined;
}

export const usage = `usage: npm run dlq -- list|show|replay|drop [--service S] [--type T] [--id ID] [--all] [--url amqp://…]

What a service could not handle lies in a queue of its own until somebody has looked at it.

  list       how many there are, by service, type and reason; and what waits in queues that no process takes anything from
  show       all of each, with its reason
  replay     gives them to their service again, with the same ids: what it has handled already has no second effect
  drop       throws them away; needs --id, or --all

  --service  only those of a service: ${subscribingServices.join(', ')}
  --type     only events of a type, such as stock.held
  --id       only the event of an id
  --all      with drop: all that are selected
  --url      another broker than that of the stack that npm start runs

Exit code: 0 done, 1 not all of it, 2 the arguments or the broker are not usable.`;

/** @throws UsageError */
export function parseArguments(argv: string[]): DlqArguments {
  const [command, ...others] = argv;
  if (!isCommand(command))
    throw new UsageError(`npm run dlq -- ${commands.join('|')}${command ? `, not "${command}"` : ': say what to do'}`);
  const values = optionsIn(others, { service: text, type: text, id: text, url: text, all: { type: 'boolean' } });
  if (command === 'drop' && !values.all && values.id === undefined)
    throw new UsageError('what is dropped is gone: say which one by --id, or --all');
  const { service, type, id, url } = values;
  return {
    command,
    selection: {
      ...(service === undefined ? {} : { service: serviceOf(service) }),
      ...(type === undefined ? {} : { type }),
      ...(id === undefined ? {} : { id }),
    },
    url: url === undefined ? undefined : urlOf(url),
  };
}

const text = { type: 'string' } as const;

const isCommand = (value: string | undefined): value is DlqArguments['command'] =>
  (commands as readonly (string | undefined)[]).includes(value);

function serviceOf(value: string): ServiceName {
  const service = subscribingServices.find((name) => name === value);
  if (!service) throw new UsageError(`--service is one of ${subscribingServices.join(', ')}, not "${value}"`);
  return service;
}

function urlOf(value: string): string {
  if (/^amqps?:\/\/./.test(value) && URL.canParse(value)) return value;
  throw new UsageError('--url is one of amqp://user:password@host:port');
}
