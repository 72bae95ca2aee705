import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withProgress } from './progress.ts';
import { runCommand } from './run-command.ts';
import { demoScript, environmentOf, type Instance, type StackContext } from './service-program.ts';
import { StartFailed } from './supervised.ts';

interface DemoOptions {
  /** None: the demo ends, if there was one. */
  shoppers: number | undefined;
  instances: Instance[];
  context: StackContext;
  signal: AbortSignal;
  say: (line: string) => void;
}

/**
 * Runs each service's own loader of demo data, which leaves alone what is there already; or, without the demo, what takes
 * away what a start with it has left open: accounts whose password everybody knows, and products that are nobody's.
 */
export async function loadOrEndDemo(options: DemoOptions): Promise<void> {
  const oneOfEach = options.instances.filter(({ instance }) => instance === 1);
  await withProgress(options.say, (note) => Promise.all(oneOfEach.map((one) => loadOne(one, options, note))));
}

async function loadOne(one: Instance, { shoppers, context, signal }: DemoOptions, note: (line: string) => void) {
  const script = demoScript(one.service, context.servicesRoot, shoppers === undefined ? 'demo-end' : 'demo');
  if (!script) return;
  const env = {
    ...environmentOf(one, context),
    ...(shoppers === undefined ? {} : { DEMO_SHOPPERS: String(shoppers) }),
    LAUNCHER_PIPE: '0',
  };
  const args = ['--disable-warning=ExperimentalWarning', script];
  const how = { env, cwd: context.servicesRoot, signal, onLine: note };
  const { code, output } = await runCommand(process.execPath, args, how);
  await writeFile(join(context.logsFolder, `demo-${one.service}.log`), output + '\n');
  if (code !== 0)
    throw new StartFailed(
      `the demo data of ${one.service} could not be ${shoppers === undefined ? 'put away' : 'loaded'}:\n${output.slice(-2_000)}`,
    );
}
