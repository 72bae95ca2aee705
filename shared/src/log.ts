import { pino, type Logger } from 'pino';
import { logDestination, type LogDestination } from './log-destination.ts';

export type { Logger };

const warning = 40;
let standardOutput: LogDestination | undefined;
const lostLine = (lost: number) =>
  `${JSON.stringify({ level: warning, time: new Date().toISOString(), lost, msg: 'lines of this log were lost' })}\n`;

/** Structured lines to standard output; secrets are cut out wherever they might stand. */
export function createLogger(options: { service: string; instance: string; level: string }): Logger {
  return pino(
    {
      level: options.level,
      base: { service: options.service, instance: options.instance },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ['*.password', '*.refreshToken', '*.accessToken', '*.authorization', '*.token'],
    },
    (standardOutput ??= logDestination(1, lostLine)),
  );
}
