import { renamedSettings, type commonSchema } from '@flash-sale/shared/config.ts';
import { edgeSettings } from './edge-settings.ts';
import { exportOfEach } from './service-exports.ts';

/** Every setting of every service; the type knows those that all of them have. */
export const settingsOf = await exportOfEach<typeof commonSchema>('src/config.ts', 'configSchema');

/** What the launcher chooses itself: where things are, and what proves who one is. */
const ownChoice = /_URL$|_SECRET$|_TOKEN$|^INFLUX_|^(STACK|HOST|PORT|SERVICE_INSTANCE|LAUNCHER_PIPE|RUN_AS)$/;

/** Whether a service has a setting of this name, or of this name once, or nginx, that `npm start` leaves to its user. */
export function isSetting(name: string): boolean {
  const current = renamedSettings[name] ?? name;
  if (current in edgeSettings) return true;
  return !ownChoice.test(current) && Object.values(settingsOf).some(({ shape }) => current in shape);
}
