import { randomBytes, timingSafeEqual } from 'node:crypto';
import { argon2id, type Argon2id } from './argon2.ts';

/** The minimum that OWASP recommends: 19 MiB, two passes, one lane. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 };
const saltBytes = 16;
const hashBytes = 32;

/** The same password typed on two systems may arrive in two Unicode compositions. */
const messageOf = (password: string) => Buffer.from(password.normalize('NFC'));
const encode = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/=+$/, '');
const phcOf = (nonce: Uint8Array, hash: Uint8Array) =>
  `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${encode(nonce)}$${encode(hash)}`;

/** A hash that no password has. Verifying against it costs as much as against any, so that the time tells nothing. */
export const hashOfNoPassword = phcOf(new Uint8Array(saltBytes), new Uint8Array(hashBytes));

/** Where argon2id is computed. */
export type Derive = Argon2id['derive'];

/** Hashes with a fresh salt. @returns a PHC string, `$argon2id$v=19$m=19456,t=2,p=1$salt$hash` */
export async function hashPassword(password: string, derive: Derive = argon2id.derive): Promise<string> {
  const nonce = randomBytes(saltBytes);
  return phcOf(nonce, await derive({ message: messageOf(password), nonce, tagLength: hashBytes, ...cost }));
}

/** Milliseconds of a processor that a hash takes on this machine, whatever else runs. Blocks this thread for as long. */
export function measureHashMs(): number {
  const before = process.threadCpuUsage();
  argon2id.deriveSync({ message: messageOf(''), nonce: randomBytes(saltBytes), tagLength: hashBytes, ...cost });
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}

const phc = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** Compares by the parameters in the stored string, in constant time. @throws Error when it is no argon2id PHC string */
export async function verifyPassword(
  password: string,
  stored: string,
  derive: Derive = argon2id.derive,
): Promise<boolean> {
  const [, memory, passes, parallelism, salt, hash] = phc.exec(stored) ?? [];
  if (!salt || !hash) throw new Error('a stored password hash is no argon2id PHC string');
  const expected = Buffer.from(hash, 'base64');
  const actual = await derive({
    message: messageOf(password),
    nonce: Buffer.from(salt, 'base64'),
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    tagLength: expected.length,
  });
  return timingSafeEqual(actual, expected);
}
