import { pino, type Logger } from 'pino';
import { logDestination, type LogDestination } from './log-destination.ts';
import { running } from './tracing/running.ts';

export type { Logger };

const warning = 40;
let standardOutput: LogDestination | undefined;
const lostLine = (lost: number) =>
  `${JSON.stringify({ level: warning, time: new Date().toISOString(), lost, msg: 'lines of this log were lost' })}\n`;

/** Structured lines to standard output; secrets are cut out wherever they might stand. */
export function createLogger(options: {
  service: string;
  instance: string;
  level: string;
  /** Whether lines say whose request they are about. */
  isTraced?: boolean;
}): Logger {
  return pino(
    {
      level: options.level,
      base: { service: options.service, instance: options.instance },
      timestamp: pino.stdTimeFunctions.isoTime,
      ...(options.isTraced ? { mixin: traceOfRunning } : {}),
      redact: ['*.password', '*.refreshToken', '*.accessToken', '*.authorization', '*.token'],
    },
    (standardOutput ??= logDestination(1, lostLine)),
  );
}

/** By which what one purchase has left in the logs of all services is found. A new object each time, for pino writes into it. */
function traceOfRunning(): { traceId?: string } {
  const root = running.getStore();
  return root ? { traceId: root.traceId } : {};
}
