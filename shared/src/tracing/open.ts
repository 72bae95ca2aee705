import type { ServiceContext } from '../service/definition.ts';
import { chooserOf, isTracingOn, type TracingConfig } from './settings.ts';
import { Tracing } from './tracing.ts';

/** Has what exports spans loaded before a process of root gives up what it may read. */
export async function loadTracing(configs: readonly TracingConfig[]): Promise<void> {
  if (configs.some(isTracingOn)) await import('./export.ts');
}

/** The tracing of a service, until `opened` is closed; undefined where it is off. */
export async function openTracing(
  { name, config, log, metrics }: ServiceContext,
  opened: AsyncDisposableStack,
): Promise<Tracing | undefined> {
  if (!isTracingOn(config)) return undefined;
  const { SpanExport } = await import('./export.ts');
  const resource = {
    'service.name': name,
    'service.namespace': 'flash-sale',
    'service.instance.id': config.SERVICE_INSTANCE,
    'flash_sale.stack': config.STACK,
  };
  const sink = new SpanExport({ config, resource, log });
  opened.defer(() => sink.close());
  metrics.watch({
    measurement: 'traces',
    gauges: { sent: 'flash_sale_spans_sent', lost: 'flash_sale_spans_lost' },
    read: () => [{ fields: { ...sink.counts } }],
  });
  return new Tracing({
    sink,
    isChosen: chooserOf(config),
    slowMs: config.TRACES_SLOW_MS,
    maxKeptPerSecond: config.TRACES_KEPT_PER_SECOND,
  });
}
