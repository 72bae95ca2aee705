import { request } from 'undici';
import { parseMetrics } from '../../test-kit/stack/metrics-page.ts';
import type { Figure, ServiceFigures } from './results.ts';

const askEveryMs = 2_000;
/** Who is busy answers late, and that is what is to be seen. */
const patienceMs = 5_000;

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
