import { z } from 'zod';

/** What a loader of demo data is told about where the shop will be open. */
export const demoSettings = {
  PUBLISH_ADDRESS: z.string().default('127.0.0.1').describe('the address on which the shop is open'),
  PUBLIC_DEMO: z.stringbool().default(false).describe('that strangers may use the accounts of the demo is intended'),
};

/** Whether only this machine can come in by an address. */
export const isLoopback = (address: string): boolean =>
  /^(localhost|127(\.\d{1,3}){3}|\[?(::1|::ffff:127(\.\d{1,3}){3})\]?)$/i.test(address);

/** The demo has an admin whose password everybody knows. Ends the process where strangers could come in by it. */
export function refusePublicDemo(config: { PUBLISH_ADDRESS: string; PUBLIC_DEMO: boolean }): void {
  if (config.PUBLIC_DEMO || isLoopback(config.PUBLISH_ADDRESS)) return;
  process.stderr.write(
    `The demo has an admin whose password everybody knows, and ${config.PUBLISH_ADDRESS} is open to others: start without the demo, or set PUBLIC_DEMO=1.\n`,
  );
  process.exit(78);
}
