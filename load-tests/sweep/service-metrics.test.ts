import { describe, expect, test } from '@jest/globals';
import { parseMetrics, worstOf } from './service-metrics.ts';

describe('what the services tell', () => {
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

  test('the worst of several looks stays, and what nobody told stays unknown', () => {
    const worst = worstOf(
      { name: 'order-1', queueDepth: 12 },
      'flash_sale_queue_messages 3\nflash_sale_lane_waiting_items 5',
    );
    expect(worst).toEqual({ name: 'order-1', queueDepth: 12, laneWaiting: 5 });
  });

  test('a look without an answer is counted, and changes nothing else', () => {
    const silent = worstOf({ name: 'order-1', queueDepth: 12 }, undefined);
    expect(silent).toEqual({ name: 'order-1', queueDepth: 12, unanswered: 1 });
    expect(worstOf(silent, undefined).unanswered).toBe(2);
  });
});
