import { expect, test } from '@jest/globals';
import { parseMetrics } from './metrics-page.ts';

test('of a gauge with labels the largest counts, in the unit of the figure', () => {
  const page = [
    '# TYPE flash_sale_queue_messages gauge',
    'flash_sale_queue_messages{queue="order"} 3',
    'flash_sale_queue_messages{queue="payment"} 12',
    'flash_sale_event_loop_delay_p99_seconds 0.025',
    'nodejs_gc_duration_seconds_sum 7',
    'flash_sale_outbox_records NaN',
  ].join('\n');
  expect(parseMetrics(page)).toEqual({ queueDepth: 12, eventLoopDelayMs: 25 });
  expect(parseMetrics('<html>not found</html>')).toEqual({});
});
