import { commonSchema, readEnvironment } from '@flash-sale/shared/config.ts';

/** The reservation service has no settings besides those that every service has (shared/src/config.ts). */
export const configSchema = commonSchema;
export type ReservationConfig = ReturnType<typeof readConfig>;
export const readConfig = () => readEnvironment(configSchema);
