import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Audit } from './results.ts';

const script = join(import.meta.dirname, '../../infra/audit/main.ts');
const timeoutMs = 120_000;

/** Runs the audit on a running stack. A text says why it could not. Throws when aborted: that is not an audit that failed. */
export async function runAudit(stackFile: string | undefined, signal?: AbortSignal): Promise<Audit> {
  if (stackFile === undefined) return 'the stack file is unknown (--stack-file)';
  const child = spawn(process.execPath, [script, '--stack-file', stackFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    signal,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  signal?.throwIfAborted();
  if (code === null) output += `\nthe audit was ended by ${child.signalCode}: it may take ${timeoutMs / 1_000} s`;
  return { passed: code === 0, output: output.trim().slice(-20_000) };
}
