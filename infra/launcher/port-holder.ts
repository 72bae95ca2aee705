import { findExecutable } from './find-executable.ts';
import { whyNotFree } from './free-port.ts';
import { UnusableHost } from './listen-address.ts';
import { runCommand } from './run-command.ts';

/** A port that was asked for is in use; the message says by whom, where the system tells. */
export class PortTaken extends Error {}

/**
 * @param option how another port would be chosen, up to its number
 * @throws PortTaken, or UnusableHost where the host is not this machine
 */
export async function assertPortIsFree(port: number, host: string, option = '--port '): Promise<void> {
  const reason = await whyNotFree(port, host);
  if (reason === undefined) return;
  if (reason !== 'EADDRINUSE') throw new UnusableHost(`--host ${host} is no address of this machine (${reason})`);
  const other = port < 65_535 ? port + 1 : port - 1;
  throw new PortTaken(
    `port ${port} is taken by ${await holderOf(port)}; choose another with: npm start -- ${option}${other}`,
  );
}

async function holderOf(port: number): Promise<string> {
  const ss = findExecutable('ss');
  const lsof = findExecutable('lsof');
  if (ss) {
    const { output } = await runCommand(ss, ['-ltnpH', `sport = :${port}`]);
    const [, name, pid] = /"([^"]+)",pid=(\d+)/.exec(output) ?? [];
    if (name && pid) return `${name} (pid ${pid})`;
  } else if (lsof) {
    const { output } = await runCommand(lsof, ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc']);
    const [, pid, name] = /^p(\d+)\nc(.+)$/m.exec(output) ?? [];
    if (name && pid) return `${name} (pid ${pid})`;
  }
  return 'another program';
}
