import { beforeAll, expect, jest, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { subscriptions } from '@flash-sale/contract/events/subscriptions.ts';
import { deadQueueOf, retrySteps, subscribingServices } from '@flash-sale/shared/messaging/amqp-topology.ts';
import { withChannel } from '@flash-sale/shared/messaging/amqp-channel.ts';
import { serviceNames } from '@flash-sale/contract/services.ts';
import { preparePrograms } from '../infra/launcher/programs.ts';
import { runCommand } from '../infra/launcher/run-command.ts';
import { liftedBounds } from '../test-kit/stack/load-settings.ts';
import type { Stack } from '../infra/launcher/stack-types.ts';
import { unprivilegedUser } from '../infra/launcher/unprivileged.ts';
import { expectAuditClean } from '../test-kit/stack/audit.ts';
import { withoutDatabase } from '../test-kit/stack/databases.ts';
import { duringASale } from '../test-kit/stack/during-a-sale.ts';
import { expectProblem } from '../test-kit/stack/expectations.ts';
import { bodyOf } from '../test-kit/http.ts';
import { until } from '../test-kit/until.ts';
import type { Sale } from '../test-kit/stack/sale.ts';
import type { Product, Shop, Shopper } from '../test-kit/stack/shop.ts';
import { onEachStack } from '../test-kit/stack/stacks.ts';

const backWithinMs = 90_000;
jest.setTimeout(300_000);

const sellers = 10;
const options = { demo: { shoppers: sellers + 2 }, env: { OUTBOX_GRACE_MS: '1500', ...liftedBounds } };

onEachStack(
  'a sale without its broker',
  options,
  (theShop) => {
    let shop: Shop;
    let stack: Stack;
    let sale: Sale;
    let shopper: Shopper;
    let product: Product;

    const theScene = duringASale(theShop, { sellers, stocks: [100_000, 100_000, 60], pauseMs: 250 });
    beforeAll(() => void ({ shop, stack, sale, shopper, product } = theScene()));

    const pids = () => stack.processes.filter(({ service }) => service).map(({ pid }) => pid);
    const isReady = async () => (await shop.call('GET', '/readyz')).status === 200;
    const messagesIn = (queue: string) =>
      withChannel(stack.amqpUrl!, async (channel) => (await channel.checkQueue(queue)).messageCount);
    const sum = (counts: number[]) => counts.reduce((all, count) => all + count, 0);
    const linesOfServices = async (pattern: RegExp) => {
      const names = stack.processes.flatMap(({ name, service }) => (service ? [name] : []));
      const logs = names.map((name) => readFile(join(stack.dataDir, 'logs', `${name}.log`), 'utf8'));
      return (await Promise.all(logs)).flatMap((log) => log.split('\n').filter((line) => pattern.test(line)));
    };
    const pidOfBroker = () => stack.processes.find(({ name }) => name === 'rabbitmq')?.pid;

    test('has each service come to it as its own user, which is refused nothing', async () => {
      const info = 'rabbit_networking:connection_info_all([user, client_properties])';
      const name = '{<<"connection_name">>, _, Name} <- Properties';
      const rows = `[{user, User}, {client_properties, Properties}] <- ${info}, ${name}`;
      const shown = await evaluateIn(pidOfBroker()!, `[binary_to_list(<<User/binary, " ", Name/binary>>) || ${rows}].`);
      const connections = serviceNames.flatMap((service) =>
        ['publish', 'consume']
          .slice(0, subscriptions[service].length > 0 ? 2 : 1)
          .flatMap((purpose) => [1, 2].map((n) => `${service} ${service}/${n} ${purpose}`)),
      );
      expect([...shown.matchAll(/"([^"]+)"/g)].map(([, one]) => one).sort()).toEqual(connections.sort());
      await shopper.aPurchase(product);
      expect(await linesOfServices(/ACCESS.REFUSED/)).toEqual([]);
    });

    test('goes on when RabbitMQ is killed, and no service is started again for it', async () => {
      const services = pids();
      const before = pidOfBroker();
      stack.kill('rabbitmq');
      await until('RabbitMQ back', () => ![undefined, before].includes(pidOfBroker()), backWithinMs);
      await until('ready', isReady, backWithinMs);
      await sale.goesOn(40);
      expect(pids()).toEqual(services);
    });

    test('goes on when a queue is dead in a RabbitMQ that runs: it is started again', async () => {
      const services = pids();
      const before = pidOfBroker()!;
      // As after a disk was full for a moment: the process of the queue has died too often to be started again.
      const name = `'%2F_order'`;
      const dies = `case whereis(${name}) of undefined -> dead; P -> exit(P, kill), timer:sleep(50) end`;
      const die = `[${dies} || _ <- lists:seq(1, 20)], whereis(${name}).`;
      const isDead = async () => (await evaluateIn(before, die)) === 'undefined';
      await until('the queue is dead', isDead, backWithinMs);
      await until('RabbitMQ back', () => ![undefined, before].includes(pidOfBroker()), backWithinMs);
      expect(shop.log.find((line) => line.includes('its queues are down'))).toMatch(/order/);
      await until('ready', isReady, backWithinMs);
      await sale.goesOn(40);
      expect(pids()).toEqual(services);
    });

    test('accepts what it cannot pass on, and brings it to its end when RabbitMQ is back', async () => {
      const services = pids();
      const carts = await Promise.all(
        Array.from({ length: 5 }, () => shopper.aCart({ productId: product.id, quantity: 1 })),
      );
      const held = await shopper.aReservation(product);
      await stack.rabbitmq.stop();
      const answers = await Promise.all(carts.map(({ id }, n) => shopper.reserve(id, { key: `away-${n}`, wait: 1 })));
      const pending = answers.map((answer) => bodyOf(answer, 202));
      const paid = bodyOf(await shopper.pay(held.orderId, 'tok_ok', { wait: 1 }), 202);
      await until('not ready', async () => !(await isReady()));
      await stack.rabbitmq.start();
      for (const { id } of pending)
        await until('held', async () => (await shopper.reservation(id)).status === 'held', backWithinMs);
      await until('captured', async () => (await shopper.payment(paid.id)).status === 'captured', backWithinMs);
      await until('confirmed', async () => (await shopper.order(held.orderId)).status === 'confirmed', backWithinMs);
      await until('ready', isReady, backWithinMs);
      await sale.goesOn(40);
      expect(pids()).toEqual(services);
    });

    test('brings again what a service cannot handle for longer than the longest step, and puts nothing aside', async () => {
      const services = pids();
      await withoutDatabase(stack, 'order', async () => {
        // Nobody but the order service needs its database, so reservations go on and their events come to it in vain.
        const { id } = await shopper.aReservation(product);
        expect((await shopper.reservation(id)).status).toBe('held');
        expectProblem(await shopper.call('GET', '/api/orders'), 503, 'unavailable');
        // The first to fail come back from the longest step, and go there again.
        await sleep(1_000 + 5_000 + 30_000 + 4_000);
        expect(await messagesIn('retry.30s')).toBeGreaterThan(0);
      });
      const waiting = async () => sum(await Promise.all(retrySteps.map(({ name }) => messagesIn(name))));
      await until('nothing waits', async () => (await waiting()) === 0, backWithinMs);
      await sale.goesOn(40);
      expect(pids()).toEqual(services);
    });

    test('has lost nothing in the end, and put nothing aside', async () => {
      await sale.close();
      expect(sale.reservations.size).toBeGreaterThan(20);
      await expectAuditClean(stack);
      expect(sum(await Promise.all(subscribingServices.map((name) => messagesIn(deadQueueOf(name)))))).toBe(0);
      // Retries among it: no right was missing.
      expect(await linesOfServices(/ACCESS.REFUSED/)).toEqual([]);
      expect(shop.log.filter((line) => / ended \((?!SIGKILL)/.test(line))).toEqual([]);
    });
  },
  ['async'],
);

/** Runs Erlang in the broker of this process, as `rabbitmqctl` does: with the environment that the launcher gave it. */
async function evaluateIn(pid: number, erlang: string): Promise<string> {
  const variables = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0').filter(Boolean);
  const env = Object.fromEntries(variables.map((one) => one.split(/=(.*)/s).slice(0, 2))) as Record<string, string>;
  const [, controller = 'rabbitmqctl'] = (await preparePrograms(['rabbitmq'], () => undefined)).rabbitmq;
  const how = { runAs: await unprivilegedUser('rabbitmq'), cwd: env.HOME!, env };
  return (await runCommand(controller, ['--quiet', 'eval', erlang], how)).output.trim();
}
