import { z } from 'zod';

/** As lists stand in OTEL_RESOURCE_ATTRIBUTES and OTEL_EXPORTER_OTLP_HEADERS: `name=value`, percent-encoded, with commas between. */
const list = z
  .string()
  .default('')
  .transform((text, context) => {
    const pairs = text.split(',').filter((pair) => pair.trim() !== '');
    try {
      return Object.fromEntries(pairs.map(pairOf));
    } catch {
      context.addIssue({ code: 'custom', message: 'must be name=value, with commas between' });
      return z.NEVER;
    }
  });

function pairOf(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new Error('no name');
  return [text.slice(0, at).trim(), decodeURIComponent(text.slice(at + 1).trim())];
}

const noAddress = z.literal('').transform(() => undefined);
/** As its standard has it, an empty one is none. */
const address = z
  .union([noAddress, z.url({ protocol: /^https?$/ })], { error: 'must be a URL of http or https' })
  .optional();

const milliseconds = (fallback: number) => z.coerce.number().int().min(0).max(600_000).default(fallback);
const spans = (fallback: number) => z.coerce.number().int().min(1).max(100_000).default(fallback);

/** Those of OpenTelemetry by their standard names, as far as we know them, and a few of our own. Without an address or a folder nothing is traced. */
export const tracingSettings = {
  OTEL_EXPORTER_OTLP_ENDPOINT: address.describe(
    'OpenTelemetry collector to which spans go, as JSON to its /v1/traces; without it nowhere',
  ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: address.describe('the same with its path'),
  OTEL_EXPORTER_OTLP_HEADERS: list.describe('sent along, such as authorization=Bearer%20…'),
  OTEL_EXPORTER_OTLP_TIMEOUT: milliseconds(10_000).describe(
    'longest that one sending may take, retries included, in ms',
  ),
  OTEL_TRACES_SAMPLER: z
    .enum([
      ...(['parentbased_always_on', 'parentbased_traceidratio', 'parentbased_always_off'] as const),
      ...(['always_on', 'traceidratio', 'always_off'] as const),
    ])
    .default('parentbased_always_on')
    .describe('which requests are traced from end to end: all, a share of them, none'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1).describe('that share'),
  OTEL_BSP_MAX_QUEUE_SIZE: spans(4_096).describe('most spans that wait to be sent; more are lost, and counted'),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: spans(512).describe('most spans sent at once'),
  OTEL_BSP_SCHEDULE_DELAY: milliseconds(1_000).describe('longest that a span waits for company, in ms'),
  OTEL_BSP_EXPORT_TIMEOUT: milliseconds(30_000).describe('when a sending counts as lost, in ms'),
  OTEL_RESOURCE_ATTRIBUTES: list.describe('said of every span, such as deployment.environment.name=production'),
  OTEL_SDK_DISABLED: z.stringbool().default(false).describe('traces nothing, whatever else is set'),
  TRACES_DIR: z
    .string()
    .optional()
    .describe('folder to which each process writes its spans as OTLP JSON, where npm run trace finds them'),
  TRACES_FILE_BYTES_MAX: z.coerce
    .number()
    .int()
    .min(65_536)
    .max(1_073_741_824)
    .default(8_388_608)
    .describe('most that such a file holds; the one before it is kept as well'),
  TRACES_SLOW_MS: milliseconds(1_000).describe(
    'a request that takes longer is told of although its trace was not chosen, by the spans of its own process',
  ),
  TRACES_KEPT_PER_SECOND: z.coerce
    .number()
    .int()
    .min(0)
    .max(100_000)
    .default(20)
    .describe(
      'most a second that are told of although they were not chosen: slow or failed requests, dead letters, refunds',
    ),
};

export const tracingSchema = z.object(tracingSettings);
export type TracingConfig = z.output<typeof tracingSchema>;

export const isTracingOn = (config: TracingConfig): boolean =>
  !config.OTEL_SDK_DISABLED && (endpointOf(config) !== undefined || config.TRACES_DIR !== undefined);

/** Where spans are sent, its path included. */
export function endpointOf(config: TracingConfig): string | undefined {
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: whole, OTEL_EXPORTER_OTLP_ENDPOINT: base } = config;
  return whole ?? (base === undefined ? undefined : `${base.replace(/\/$/, '')}/v1/traces`);
}

/** Whether a trace that begins here is to be recorded. Left to chance, and not to its id, which a stranger may have chosen. */
export function chooserOf({ OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: share }: TracingConfig) {
  if (sampler.endsWith('always_on')) return () => true;
  if (sampler.endsWith('always_off')) return () => false;
  return () => Math.random() < share;
}
