import { argon2, argon2Sync } from 'node:crypto';
import { promisify } from 'node:util';
import type * as nodeRs from '@node-rs/argon2';

/** What argon2id is computed from, in the words of `node:crypto`; `memory` in KiB, `tagLength` in bytes. */
export interface Derivation {
  message: Uint8Array;
  nonce: Uint8Array;
  memory: number;
  passes: number;
  parallelism: number;
  tagLength: number;
}

/** An implementation of argon2id. All of them compute the same. */
export interface Argon2id {
  /** On a thread of libuv. */
  derive: (of: Derivation) => Promise<Uint8Array>;
  /** On this thread, which does nothing else meanwhile. */
  deriveSync: (of: Derivation) => Uint8Array;
  /** Why it is not the fastest one, if it is not. */
  insteadOf?: string;
}

type NodeRs = Pick<typeof nodeRs, 'hashRaw' | 'hashRawSync'>;

const ofNodeRs = ({ hashRaw, hashRawSync }: NodeRs): Argon2id => {
  const options = ({ nonce: salt, memory: memoryCost, passes: timeCost, parallelism, tagLength }: Derivation) => {
    return { salt, memoryCost, timeCost, parallelism, outputLen: tagLength };
  };
  return {
    derive: (of) => hashRaw(of.message, options(of)),
    deriveSync: (of) => hashRawSync(of.message, options(of)),
  };
};

const deriveByNode = promisify(argon2);

/**
 * `@node-rs/argon2` takes less than half the time of Node's own, but comes as a binary for each platform. Where none fits or it
 * cannot be loaded, Node's own does.
 */
export async function chooseArgon2id(load: () => Promise<NodeRs> = () => import('@node-rs/argon2')): Promise<Argon2id> {
  try {
    return ofNodeRs(await load());
  } catch (error) {
    return {
      derive: (of) => deriveByNode('argon2id', of),
      deriveSync: (of) => argon2Sync('argon2id', of),
      insteadOf: String(error),
    };
  }
}

/** Loaded at once: later a process that was started by root may not be allowed to read it any more. */
export const argon2id = await chooseArgon2id();
