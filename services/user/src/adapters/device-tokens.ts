import { createHmac, createSecretKey, hkdfSync, randomBytes, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { Account } from './accounts.ts';

const idBytes = 16;
const form = /^([A-Za-z0-9_-]{22})\.(\d{1,12})\.([A-Za-z0-9_-]{43})$/;

/**
 * A device token proves at the next log-in that the account has been used on this device before. It grants no access: it only
 * keeps others' wrong guesses from slowing the owner down. So it is signed and not stored, and a new password invalidates all.
 */
export class DeviceTokens {
  readonly #key: KeyObject;
  readonly #ttlS: number;

  constructor(secret: string, ttlS: number) {
    this.#key = createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', 'device tokens', 32)));
    this.#ttlS = ttlS;
  }

  /** @param device the id of a known device; a new id unless given */
  issue(account: Account, device = randomBytes(idBytes).toString('base64url')): string {
    const expiresAtS = Math.floor(Date.now() / 1000) + this.#ttlS;
    return `${device}.${expiresAtS}.${this.#macOf(account, device, `${expiresAtS}`).toString('base64url')}`;
  }

  /** The device's id if the token was issued for this account and has not expired, else undefined. */
  deviceOf(token: string | undefined, account: Account | undefined): string | undefined {
    const [, device, expiresAtS, mac] = form.exec(token ?? '') ?? [];
    if (!account || !device || !expiresAtS || !mac || Number(expiresAtS) * 1000 <= Date.now()) return undefined;
    const right = timingSafeEqual(Buffer.from(mac, 'base64url'), this.#macOf(account, device, expiresAtS));
    return right ? device : undefined;
  }

  /** None of the parts contains a zero byte, so different devices never give the same text. */
  #macOf({ id, passwordHash }: Account, device: string, expiresAtS: string): Buffer {
    return createHmac('sha256', this.#key).update(`${id}\0${passwordHash}\0${device}\0${expiresAtS}`).digest();
  }
}
