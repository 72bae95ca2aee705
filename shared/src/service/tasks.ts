import { keptForMs, type DatabaseConfig } from '../config.ts';
import type { Reads } from '../db/reads.ts';
import type { Admission } from '../http/admission.ts';
import type { Logger } from '../log.ts';
import { pruneInbox } from '../messaging/housekeeping.ts';
import { periodically } from '../messaging/periodic.ts';
import type { Transport } from '../messaging/transport.ts';
import { crowdEveryMs } from '../redis/crowd-sign.ts';
import type { Backlog } from './backlog.ts';
import type { ServiceContext, Task } from './definition.ts';
import type { DatabaseResources } from './resources.ts';
import { pruneEveryMs, removableBefore, type Removal } from './retention.ts';

const measureQueuesEveryMs = 2_000;
const lookAtReplicaEveryMs = 500;

/** What every service with a database repeats; removals only where it has some, and where anything is ever removed. */
export function durableTasks(
  { config, log }: ServiceContext<DatabaseConfig>,
  options: {
    messaging: DatabaseResources<unknown>['messaging'];
    backlog: Backlog;
    transport: Transport;
    admission: Pick<Admission, 'begins' | 'tellOthers'>;
    /** Where they may go to a replica. */
    replicated: Pick<Reads<never>, 'look'> | undefined;
    removals: Removal[] | undefined;
  },
): Task[] {
  const { messaging, backlog, transport, admission, replicated, removals } = options;
  const remove = async () => {
    const before = await removableBefore({ db: messaging, keptForMs: keptForMs(config), transport });
    for (const removal of before ? removals! : []) {
      const removed = await removal.run(before!);
      if (removed > 0) log.info({ table: removal.table, removed }, 'old rows removed');
    }
  };
  return [
    ...(transport.backlog
      ? [{ name: 'queues', everyMs: measureQueuesEveryMs, task: () => backlog.measureQueues() }]
      : []),
    ...(admission.begins.has('cart')
      ? [{ name: 'crowd', everyMs: crowdEveryMs, task: () => Promise.resolve(admission.tellOthers()) }]
      : []),
    ...(replicated ? [{ name: 'replica', everyMs: lookAtReplicaEveryMs, task: () => replicated.look() }] : []),
    { name: 'inbox-prune', everyMs: pruneEveryMs, task: () => pruneInbox(messaging, config.INBOX_RETENTION_MS) },
    ...(removals && config.RETENTION_MS > 0 ? [{ name: 'retention', everyMs: pruneEveryMs, task: remove }] : []),
  ];
}

/** Begins to repeat them. @returns what stops them, and ends when none is under way any more */
export function startTasks(tasks: Task[], log: Logger): () => Promise<void> {
  const running = tasks.map((task) => periodically({ ...task, log }));
  return async () => void (await Promise.all(running.map((task) => task.stop())));
}
