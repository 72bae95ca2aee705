import { createHmac, createSecretKey, hkdfSync, randomBytes, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { Account } from './accounts.ts';

const idBytes = 16;
const form = /^([A-Za-z0-9_-]{22})\.(\d{1,12})\.([A-Za-z0-9_-]{43})$/;

/**
 * What a client keeps from a log-in to prove at the next one that its owner has been here before. It opens nothing: it
 * only keeps the wrong guesses of others from slowing its owner down. So it is signed and stored nowhere, and a new
 * password makes all of them worthless.
 */
export class DeviceTokens {
  readonly #key: KeyObject;
  readonly #ttlS: number;

  constructor(secret: string, ttlS: number) {
    this.#key = createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', 'device tokens', 32)));
    this.#ttlS = ttlS;
  }

  /** @param device the id of a device that is known already; without one it gets a new one */
  issue(account: Account, device = randomBytes(idBytes).toString('base64url')): string {
    const expiresAtS = Math.floor(Date.now() / 1000) + this.#ttlS;
    return `${device}.${expiresAtS}.${this.#macOf(account, device, `${expiresAtS}`).toString('base64url')}`;
  }

  /** The id of the device if the token was issued for this account and lives; otherwise it is as good as none. */
  deviceOf(token: string | undefined, account: Account | undefined): string | undefined {
    const [, device, expiresAtS, mac] = form.exec(token ?? '') ?? [];
    if (!account || !device || !expiresAtS || !mac || Number(expiresAtS) * 1000 <= Date.now()) return undefined;
    const right = timingSafeEqual(Buffer.from(mac, 'base64url'), this.#macOf(account, device, expiresAtS));
    return right ? device : undefined;
  }

  /** None of the parts contains a zero byte, so no two devices make one text. */
  #macOf({ id, passwordHash }: Account, device: string, expiresAtS: string): Buffer {
    return createHmac('sha256', this.#key).update(`${id}\0${passwordHash}\0${device}\0${expiresAtS}`).digest();
  }
}
