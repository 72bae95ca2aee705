import { pino, type Logger } from 'pino';

export type { Logger };

/** Structured lines to standard output; secrets are cut out wherever they might stand. */
export function createLogger(options: { service: string; instance: string; level: string }): Logger {
  return pino(
    {
      level: options.level,
      base: { service: options.service, instance: options.instance },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ['*.password', '*.refreshToken', '*.accessToken', '*.authorization', '*.token'],
    },
    pino.destination({ fd: 1, sync: false, minLength: 16_000, periodicFlush: 250 }),
  );
}
