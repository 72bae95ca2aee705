import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { services } from './database-names.ts';
import { runCommand } from './run-command.ts';
import { demoScript, environmentOf, type Instance, type ServiceSurroundings } from './service-program.ts';
import { StartFailed } from './supervised.ts';

/** Runs each service's own loader of demo data. They leave alone what is there already. */
export async function loadDemo(
  shoppers: number,
  instances: Instance[],
  around: ServiceSurroundings,
  signal: AbortSignal,
): Promise<void> {
  const loaders = services.map(async (service) => {
    const script = demoScript(service, around.servicesRoot);
    const instance = instances.find((one) => one.service === service);
    if (!script || !instance) return;
    const env = { ...environmentOf(instance, around), DEMO_SHOPPERS: String(shoppers), LAUNCHER_PIPE: '0' };
    const args = ['--disable-warning=ExperimentalWarning', script];
    const { code, output } = await runCommand(process.execPath, args, { env, cwd: around.servicesRoot, signal });
    await writeFile(join(around.logsFolder, `demo-${service}.log`), output + '\n');
    if (code !== 0) throw new StartFailed(`the demo data of ${service} could not be loaded:\n${output.slice(-2_000)}`);
  });
  await Promise.all(loaders);
}
