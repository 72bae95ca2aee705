import type { StackProcess } from '../../infra/launcher/stack-types.ts';

export const faultKinds = ['kill-both', 'kill-one', 'kill-waiting', 'kill-server', 'kill-all', 'freeze'] as const;
export type FaultKind = (typeof faultKinds)[number];

/** What a lone shopper is doing at the moment of the fault. */
export type Moment = 'reserve' | 'pay';

/** One thing that breaks: which processes get which signal, and who is in the middle of what. */
export interface Fault {
  kind: FaultKind;
  title: string;
  /** Names of processes, as in the stack file. */
  victims: string[];
  signal: 'SIGKILL' | 'SIGSTOP';
  moment: Moment;
  /** So many shoppers wait for a payment whose outcome comes late, as they do at a busy shop. */
  waiting: number;
}

const shoppersThatWait = 10;
const servicesTogether = 'the processes with all services';
/** Servers whose loss ends by itself: they are started again, and shoppers must notice no more than that. */
const servers = ['postgres', 'redis', 'rabbitmq', 'nginx'];

/**
 * Every fault of these kinds that a stack of these processes can have. A service without a part in a purchase under way
 * (the user service) is killed and frozen like the others: then nobody may notice at all.
 */
export function faultsOf(
  processes: Pick<StackProcess, 'name' | 'service' | 'holds'>[],
  kinds: readonly FaultKind[],
): Fault[] {
  // Services that share their processes die together.
  const instances = processes.flatMap(({ name, service, holds }) => {
    const runs = service ?? (holds && servicesTogether);
    const takesPayments = service === 'payment' || holds?.some((one) => one.service === 'payment');
    return runs === undefined ? [] : [{ name, runs, takesPayments }];
  });
  const services = [...new Set(instances.map(({ runs }) => runs))];
  const instancesOf = (service: string) => instances.filter(({ runs }) => runs === service).map(({ name }) => name);
  const running = servers.filter((server) => processes.some(({ name }) => name === server));
  const kill = { signal: 'SIGKILL', waiting: 0 } as const;
  const all: Fault[] = [
    ...services.flatMap((service) =>
      (['reserve', 'pay'] as const).map((moment): Fault => {
        const title = `kill -9 all of ${service}, a shopper ${moment === 'pay' ? 'pays' : 'reserves'}`;
        return { ...kill, kind: 'kill-both', title, victims: instancesOf(service), moment };
      }),
    ),
    ...services.flatMap((service) =>
      (['reserve', 'pay'] as const).map((moment): Fault => {
        const title = `kill -9 one of ${service}, a shopper ${moment === 'pay' ? 'pays' : 'reserves'}`;
        return { ...kill, kind: 'kill-one', title, victims: instancesOf(service).slice(0, 1), moment };
      }),
    ),
    {
      ...kill,
      kind: 'kill-waiting',
      title: `kill -9 all of payment, ${shoppersThatWait} wait there`,
      victims: instances.filter(({ takesPayments }) => takesPayments).map(({ name }) => name),
      moment: 'pay',
      waiting: shoppersThatWait,
    },
    ...running.map((name): Fault => ({
      ...kill,
      kind: 'kill-server',
      title: `kill -9 ${name}`,
      victims: [name],
      moment: 'reserve',
    })),
    {
      ...kill,
      kind: 'kill-all',
      title: 'kill -9 every service',
      victims: instances.map(({ name }) => name),
      moment: 'pay',
    },
    ...[...services.map((service) => instancesOf(service)[0]!), ...running].map((name): Fault => {
      return { kind: 'freeze', title: `freeze ${name}`, victims: [name], signal: 'SIGSTOP', moment: 'pay', waiting: 0 };
    }),
  ];
  return all.filter(({ kind, victims }) => kinds.includes(kind) && victims.length > 0);
}
