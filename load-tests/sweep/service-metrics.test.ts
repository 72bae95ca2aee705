import { describe, expect, test } from '@jest/globals';
import { worstOf } from './service-metrics.ts';

describe('what the services tell', () => {
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
