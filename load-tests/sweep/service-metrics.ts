import { request } from 'undici';
import type { Figure, ServiceFigures } from './results.ts';

/** The Prometheus gauges that tell what a service waits for, and the factor to the unit of the figure. */
const gauges: Record<string, [Figure, number]> = {
  flash_sale_event_loop_delay_p99_seconds: ['eventLoopDelayMs', 1_000],
  flash_sale_lane_waiting_items: ['laneWaiting', 1],
  flash_sale_pool_waiting_requests: ['poolWaiting', 1],
  flash_sale_queue_messages: ['queueDepth', 1],
  flash_sale_outbox_records: ['outboxDepth', 1],
};
const askEveryMs = 2_000;
/** Who is busy answers late, and that is what is to be seen. */
const patienceMs = 5_000;

/** The figures in a page of metrics. Of a gauge with labels the largest value counts; what is no number is left out. */
export function parseMetrics(text: string): Partial<Record<Figure, number>> {
  const figures: Partial<Record<Figure, number>> = {};
  for (const line of text.split('\n')) {
    const [, name = '', value = ''] = /^([a-zA-Z_:][\w:]*)(?:\{.*\})? ([^ ]+)/.exec(line) ?? [];
    const [figure, factor] = gauges[name] ?? [];
    const number = Number(value) * (factor ?? 1);
    if (figure !== undefined && Number.isFinite(number)) figures[figure] = Math.max(figures[figure] ?? 0, number);
  }
  return figures;
}

/** The worst of an instance, with one look more at its page; undefined if it did not answer. */
export function worstOf(sofar: ServiceFigures, page: string | undefined): ServiceFigures {
  if (page === undefined) return { ...sofar, unanswered: (sofar.unanswered ?? 0) + 1 };
  const worst = { ...sofar };
  for (const [figure, value] of Object.entries(parseMetrics(page)) as [Figure, number][])
    worst[figure] = Math.max(sofar[figure] ?? 0, value);
  return worst;
}

/**
 * Looks at `/metrics` of every instance every two seconds. The function it answers ends that and says the worst of each, and how
 * often it did not answer.
 */
export function watchServices(services: { name: string; port: number }[]): () => Promise<ServiceFigures[]> {
  const worst = new Map<string, ServiceFigures>(services.map(({ name }) => [name, { name }]));
  const look = () =>
    Promise.all(
      services.map(async ({ name, port }) => {
        const page = await pageOf(port);
        worst.set(name, worstOf(worst.get(name) ?? { name }, page));
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

async function pageOf(port: number): Promise<string | undefined> {
  try {
    const { statusCode, body } = await request(`http://127.0.0.1:${port}/metrics`, {
      signal: AbortSignal.timeout(patienceMs),
    });
    const text = await body.text();
    return statusCode === 200 ? text : undefined;
  } catch {
    return undefined;
  }
}
