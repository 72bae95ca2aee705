import type { Comparison } from './results.ts';
import { studiedIn } from './study.ts';

type Plan = Comparison['plan'];

/** What the figures do not allow one to say. */
export function caveatsOf({ paired, stacks }: Plan): string[] {
  const ofStudy = [
    'That ours is so many times as fast as theirs: the study ran another implementation on another machine, an 8-core laptop. Only which stack wins can be held against it.',
    'Anything about their CPU and memory beside ours. Ours is the processor time of all processes of the stack (databases, broker and nginx included) as a share of all cores, and their private memory in full plus shared pages once, on average over the run. The study does not define its few per cent and its 133 to 363 MB; they cannot be of all processes under full load.',
  ];
  return [
    ...(studiedIn(stacks).length > 0 ? ofStudy : []),
    'That the stack with less CPU is the thriftier one: without think time each takes what k6 leaves of the machine. CPU per purchase says what a purchase costs.',
    ...(paired
      ? [
          'How fast a stack is by itself: another stands beside it at rest. Where that changes a ratio, the corrected one says so.',
          ...(stacks.length > 2
            ? [
                'What the machine did within a round: no more than two stacks stand at once, so that some turns are minutes apart.',
              ]
            : []),
        ]
      : [
          `What the machine did between the yardsticks: ${stacks.join(' was measured first, ')} after it, each for several minutes.`,
        ]),
    'How the stacks behave over a network: here every hop is a loopback, which flatters the stack with more hops.',
    'What a shopper would wait at a given rate of arrival. The shoppers here have no think time and begin the next step when the last is answered, so that latency is nearly shoppers by throughput, and both say the same thing twice.',
    'Which stack is safer: both pass through the same outbox and inbox; the audit below says what became of it.',
  ];
}

/** How a winner is found. */
export function ruleOf({ paired }: Plan): string {
  return paired
    ? 'A winner is named only where a stack is better than each of the others in every round, in which they took turns. Otherwise the difference is within the noise: a tie. '
    : 'A winner is named only where all its runs are better than all runs of the other; of ' +
        'latency, throughput and CPU, by more than the yardsticks differ. Otherwise the difference is within the noise: a tie. ';
}

/** How it was measured. */
export function methodOf({ plan }: Comparison): string[] {
  const { seconds, crowd, race, paired } = plan;
  return [
    ...(paired ? pairedOrderOf(plan) : [orderOf(plan)]),
    'A shopper logs in, creates a cart, fetches a product, adds it, reserves and pays, without think time. Every answer is checked; one that does not come within a minute has failed.',
    "Requests/s is k6's own figure: all answers by the length of the whole run, from its set-up to the end of the last journey.",
    'Before each run the stack is at rest: every outbox empty, every reservation and order settled. How long that took after the last answer stands beside each run; it is not part of its CPU.',
    `The yardstick is an Express hello world, two processes behind an nginx with the same workers, ${paired ? Math.max(...plan.levels) : 500} virtual users for ${seconds.yardstick} s, ${paired ? 'once a round' : 'before each stack is started and after it has ended'}: what this machine can do at most with k6 beside it.`,
    ...(crowd
      ? [
          `The crowd: when a stack has just been started and remembers no password, ${crowd.shoppers} shoppers log in at the same moment. Who is refused comes back when told to.`,
        ]
      : []),
    `The race: ${race.buyers} shoppers reserve one of ${race.stock} units at the same moment. The audit then looks at the databases and at Redis.`,
    `Others are whoever had a part of the machine during the run besides ${paired ? 'the stacks' : 'the stack'} and k6, its host included.`,
    "CPU and memory come from /proc, once a second. Per second, latency and throughput come from the record of k6's own dashboard.",
    paired ? `Again: npm run compare -- ${plan.stacks.join(' ')}` : 'Again: npm run compare',
  ];
}

function orderOf({ levels, repeats, warmUps, seconds }: Plan): string {
  return `Each stack is started anew with empty databases and demo data, two instances of each service. ${Math.max(...levels)} shoppers log in, then ${warmUps} warm-up of ${seconds.warmUp} s, then ${repeats} × ${levels.join(' and ')} shoppers for ${seconds.run} s each, taking turns.`;
}

function pairedOrderOf({ stacks, levels, repeats, seconds }: Plan): string[] {
  const isCrowd = stacks.length > 2;
  return [
    `In each of ${repeats} rounds every stack has a turn of ${seconds.run} s with ${levels.join(' and with ')} shoppers, in an order that is turned round from round to round. Each stack begins with empty databases and demo data, two instances of each service. ${isCrowd ? 'No more than two stand at once: the others are stopped meanwhile, and started again on their data. ' : 'Both stand all the time. '}After each start ${Math.max(...levels)} shoppers log in, and shop for ${seconds.warmUp} s that do not count.`,
    'Beside whose turn it is another stack stands at rest. Its processor time s, as a share of the machine, is measured; a corrected ratio is of rates divided by 1 − s, and of latencies multiplied by it: what each would have reached with that part of the machine too.',
  ];
}
