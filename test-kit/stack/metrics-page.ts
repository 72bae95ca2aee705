/** The Prometheus gauges of a service's queues, each with its figure and the factor to the figure's unit. */
const gauges = {
  flash_sale_event_loop_delay_p99_seconds: ['eventLoopDelayMs', 1_000],
  flash_sale_lane_waiting_items: ['laneWaiting', 1],
  flash_sale_pool_waiting_requests: ['poolWaiting', 1],
  flash_sale_queue_messages: ['queueDepth', 1],
  flash_sale_outbox_records: ['outboxDepth', 1],
} as const;
export type WaitFigure = (typeof gauges)[keyof typeof gauges][0];

/** The figures in a metrics page: the largest value of a gauge with labels; values that are no numbers are left out. */
export function parseMetrics(text: string): Partial<Record<WaitFigure, number>> {
  const figures: Partial<Record<WaitFigure, number>> = {};
  for (const line of text.split('\n')) {
    const [, name = '', value = ''] = /^([a-zA-Z_:][\w:]*)(?:\{.*\})? ([^ ]+)/.exec(line) ?? [];
    const [figure, factor] = gauges[name as keyof typeof gauges] ?? [];
    const number = Number(value) * (factor ?? 1);
    if (figure !== undefined && Number.isFinite(number)) figures[figure] = Math.max(figures[figure] ?? 0, number);
  }
  return figures;
}
