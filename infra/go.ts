import { spawn } from 'node:child_process';

const timeoutMs = 15 * 60_000;

/** Runs Go in a folder. @returns what it printed @throws with what it said */
export async function go(args: string[], cwd: string): Promise<string> {
  const child = spawn('go', args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-3_000)));
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code !== 0) throw new Error(`go ${args[0]} failed:\n${(errors || output).trim()}`);
  return output;
}
