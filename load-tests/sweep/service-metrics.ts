import { request } from 'undici';
import type { ServiceFigures } from './results.ts';

type Figure = Exclude<keyof ServiceFigures, 'name'>;

/** The Prometheus gauges that tell what a service waits for, and the factor to the unit of the figure. */
const gauges: Record<string, [Figure, number]> = {
  nodejs_eventloop_lag_p99_seconds: ['eventLoopLagMs', 1_000],
  flash_sale_pool_waiting_requests: ['poolWaiting', 1],
  flash_sale_queue_messages: ['queueDepth', 1],
  flash_sale_outbox_records: ['outboxDepth', 1],
};
const askEveryMs = 2_000;
const patienceMs = 1_500;

/** The figures in a page of metrics. Of a gauge with labels the largest value counts; what is no number is left out. */
export function parseMetrics(text: string): Omit<ServiceFigures, 'name'> {
  const figures: Omit<ServiceFigures, 'name'> = {};
  for (const line of text.split('\n')) {
    const [, name = '', value = ''] = /^([a-zA-Z_:][\w:]*)(?:\{.*\})? ([^ ]+)/.exec(line) ?? [];
    const [figure, factor] = gauges[name] ?? [];
    const number = Number(value) * (factor ?? 1);
    if (figure !== undefined && Number.isFinite(number)) figures[figure] = Math.max(figures[figure] ?? 0, number);
  }
  return figures;
}

/** The worst of two looks at the same instance. */
export function worstOf(one: ServiceFigures, other: Omit<ServiceFigures, 'name'>): ServiceFigures {
  const worst = { ...one };
  for (const figure of Object.keys(other) as Figure[]) worst[figure] = Math.max(one[figure] ?? 0, other[figure] ?? 0);
  return worst;
}

/**
 * Looks at `/metrics` of every instance every two seconds. The function it answers ends that and says the worst of each. One that
 * does not answer, or has no such page, is named without figures: not measured.
 */
export function watchServices(services: { name: string; port: number }[]): () => Promise<ServiceFigures[]> {
  const worst = new Map<string, ServiceFigures>(services.map(({ name }) => [name, { name }]));
  const look = () =>
    Promise.all(
      services.map(async ({ name, port }) => {
        const figures = parseMetrics(await pageOf(port));
        worst.set(name, worstOf(worst.get(name) ?? { name }, figures));
      }),
    );
  let looking: Promise<unknown> = look();
  const timer = setInterval(() => {
    looking = Promise.all([looking, look()]);
  }, askEveryMs);
  return async () => {
    clearInterval(timer);
    await looking;
    return [...worst.values()];
  };
}

async function pageOf(port: number): Promise<string> {
  try {
    const { statusCode, body } = await request(`http://127.0.0.1:${port}/metrics`, {
      signal: AbortSignal.timeout(patienceMs),
    });
    const text = await body.text();
    return statusCode === 200 ? text : '';
  } catch {
    return '';
  }
}
