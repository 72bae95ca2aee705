import { describe, expect, test } from '@jest/globals';
import { htmlOf } from './html.ts';
import { markdownOf } from './markdown.ts';
import { reportOf, reportOfSeveral, spreadText } from './report.ts';
import { withOwnColours } from './svg-file.ts';
import { aComparison, aMachine, aStack } from './testing/comparisons.ts';

const onCpu = (cpu: string) => {
  const stacks = [aStack('sync'), aStack('async', 200)];
  return aComparison({ stacks: stacks.map((stack) => ({ ...stack, machine: aMachine({ cpu }) })) });
};

describe('the report', () => {
  const markdown = markdownOf(reportOf(aComparison()), 'charts');

  test('sets ours beside theirs', () => {
    expect(markdown).toContain(
      '| throughput (requests/s) | 102 (101–103) | 202 (201–203) | async | 107.49 | 136.71 | async |',
    );
    expect(markdown).toContain(
      '| average latency (ms) | 400 (400–400) | 400 (400–400) | tie | 2,220 | 1,200 | async |',
    );
  });

  test('says who wins, and whether the study agrees', () => {
    expect(markdown).toContain(
      'With 250 shoppers: async is better by throughput and throughput as a share of the yardstick; a tie by',
    );
    expect(markdown).toContain('The same stack wins as in the study: throughput at 250 and throughput at 500.');
  });

  test('says what the figures do not allow one to say', () => {
    expect(markdown).toContain('another machine');
    expect(markdown).toContain('their CPU and memory');
  });

  test('shows each run', () => {
    expect(markdown.match(/\| (sync|async), (250|500) shoppers, run [123] \|/g)).toHaveLength(12);
  });

  test('of what was broken off before anything was measured still says why', () => {
    const nothing = aComparison({ stacks: [], finishedAt: undefined, brokenOff: 'stopped by SIGINT' });
    expect(markdownOf(reportOf(nothing), 'charts')).toContain('not measured to its end: stopped by SIGINT');
  });

  test('tells one run from a mean', () => {
    expect(spreadText({ mean: 1_234.5, min: 1_234.5, max: 1_234.5, runs: 1 }, 0)).toBe('1,235 (one run)');
    expect(spreadText(undefined, 0)).toBe('–');
  });
});

describe('the page', () => {
  const page = htmlOf(reportOf(onCpu('<script>alert("x")</script>')));

  test('needs nothing from elsewhere and runs no script', () => {
    const withoutNamespaces = page.replaceAll(/xmlns(:\w+)?="[^"]*"/g, '');
    expect(withoutNamespaces).not.toMatch(/https?:|<script|<link|@import|src=/);
  });

  test('shows what it was given as text', () => {
    expect(page).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;');
  });

  test('names its tables, columns and rows', () => {
    const count = (text: string) => page.split(text).length - 1;
    expect(count('<caption>')).toBe(count('<table>'));
    expect(page).toContain('<th scope="col">winner</th>');
    expect(page).toContain('<th scope="row">memory (MB)</th>');
  });

  test('has charts whose parts are told apart by id', () => {
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(page.match(/<svg/g)).toHaveLength(11);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

test('a chart outside the page brings its colours along', () => {
  expect(withOwnColours('<svg width="1"><g/></svg>')).toMatch(/^<svg width="1"><style>.*prefers-color-scheme: ?dark/);
});

describe('several comparisons', () => {
  const several = (unreadable: string[] = []) =>
    markdownOf(
      reportOfSeveral(
        [
          { name: 'monday', comparison: onCpu('fast') },
          { name: 'tuesday', comparison: onCpu('slow') },
        ],
        unreadable,
      ),
      'charts',
    );

  test('stand in columns of their own', () => {
    expect(several()).toContain('|  | monday | tuesday |');
    expect(several()).toContain('| throughput (requests/s) | 102 (101–103) | 102 (101–103) |');
  });

  test('from different machines are said to be so', () => {
    expect(several()).toContain('monday and tuesday cannot be compared as they are: cpu fast and slow.');
  });

  test('that could not be read are named', () => {
    expect(several(['x/measured.json is cut off, or no JSON'])).toContain(
      'Left out: x/measured.json is cut off, or no JSON.',
    );
  });
});
