import { renamedSettings } from '@flash-sale/shared/config.ts';
import { edgeSettings } from './edge-settings.ts';
import { configSchema as inventory } from '../../services/inventory/src/config.ts';
import { configSchema as order } from '../../services/order/src/config.ts';
import { configSchema as payment } from '../../services/payment/src/config.ts';
import { configSchema as reservation } from '../../services/reservation/src/config.ts';
import { configSchema as user } from '../../services/user/src/config.ts';

/** Every setting of every service. */
export const settingsOf = { user, inventory, reservation, order, payment };

/** What the launcher chooses itself: where things are, and what proves who one is. */
const ownChoice = /_URL$|_SECRET$|_TOKEN$|^INFLUX_|^(STACK|HOST|PORT|SERVICE_INSTANCE|LAUNCHER_PIPE|RUN_AS)$/;

/** Whether a service has a setting of this name, or of this name once, or nginx, that `npm start` leaves to its user. */
export function isSetting(name: string): boolean {
  const current = renamedSettings[name] ?? name;
  if (current in edgeSettings) return true;
  return !ownChoice.test(current) && Object.values(settingsOf).some(({ shape }) => current in shape);
}
