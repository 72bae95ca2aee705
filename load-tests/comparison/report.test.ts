import { describe, expect, test } from '@jest/globals';
import { htmlOf } from '../report/html.ts';
import { markdownOf } from '../report/markdown.ts';
import { reportOf } from './report.ts';
import { reportOfSeveral } from './several.ts';
import { withOwnColours } from '../report/svg-file.ts';
import { aComparison, aMachine, aPairedComparison, aStack, sequentialPlan } from './testing/comparisons.ts';
import { spreadText } from './text.ts';

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
      'With 250 shoppers: async is better by throughput (98 % higher) and throughput as a share of the yardstick (98 % higher); a tie by',
    );
    expect(markdown).toContain('The same stack wins as in the study: throughput at 250 and throughput at 500.');
  });

  test('says so where it goes the other way, and where it is a tie here only', () => {
    const other = markdownOf(reportOf(aComparison({ stacks: [aStack('sync', 400), aStack('async')] })), 'charts');
    expect(other).toContain('sync is better by throughput (294 % higher)');
    expect(other).toContain('The other stack wins than in the study: throughput at 250 and throughput at 500.');
    expect(other).toMatch(/The study has a winner, we have a tie: average latency at 250, .*failed requests at 500\./);
  });

  test('holds no CPU and no memory of the study against ours', () => {
    const thrifty = aStack('sync');
    const runs = thrifty.runs.map((run) => ({
      ...run,
      timeline: {
        ...run.timeline,
        usage: { second: [1], services: [{ name: 'order', cores: [0.1], bytes: [1e6] }] },
      },
    }));
    const text = markdownOf(reportOf(aComparison({ stacks: [{ ...thrifty, runs }, aStack('async', 200)] })), 'charts');
    expect(text).toMatch(/sync is better by CPU \(90 % lower\) and memory/);
    expect(text).not.toMatch(/(wins (as|than) in the study|has a winner, we have a tie).*(CPU|memory)/);
    expect(text).toContain('| 2.5 \\* | 3.56 \\* | sync |');
  });

  test('says how a crowd fared that logged in at once, where that was measured', () => {
    const text = markdownOf(reportOf(aPairedComparison({ sync: 100, async: 200 })), 'charts');
    expect(text).toContain('| … the last one after (s) | 6.5 | 6.5 |');
    expect(text).toContain('500 shoppers log in at the same moment');
    expect(markdown).not.toContain('log in at once');
  });

  test('says how much of it chance alone would do', () => {
    expect(markdown).toContain('before all of the other in 10 of 100 rows');
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

  test('of different amounts are said to be so', () => {
    const named = [
      { name: 'monday', comparison: onCpu('fast') },
      { name: 'tuesday', comparison: { ...onCpu('fast'), plan: { ...sequentialPlan, warmUps: 0 } } },
    ];
    expect(markdownOf(reportOfSeveral(named, []), 'charts')).toContain(
      'monday and tuesday were not measured in the same amounts',
    );
    expect(several()).not.toContain('same amounts');
  });

  test('that could not be read are named', () => {
    expect(several(['x/measured.json is cut off, or no JSON'])).toContain(
      'Left out: x/measured.json is cut off, or no JSON.',
    );
  });
});

describe('the report of stacks that took turns', () => {
  const markdown = markdownOf(reportOf(aPairedComparison({ sync: 100, 'async:shared': 200, monolith: 300 })), 'charts');

  test('has a column for each stack, and of the study those that it has', () => {
    expect(markdown).toContain('|  | sync | async:shared | monolith | winner | study: sync |');
    expect(markdown).toContain(
      '| throughput (requests/s) | 300 (100–500) | 600 (200–1,000) | 900 (300–1,500) | monolith | 107.49 |',
    );
    expect(markdown).toContain('monolith is better by throughput (50 % higher)');
    expect(markdown).not.toContain('than in the study');
  });

  test('sets each beside the first, round by round, and says what the neighbours made of it', () => {
    expect(markdown).toContain(
      '**500 shoppers at once: so many times sync in the same round; median, lowest and highest**',
    );
    expect(markdown).toContain('| requests, raw | 2.000 (2.000–2.000) | 3.000 (3.000–3.000) |');
    expect(markdown).toContain('| requests, corrected | 2.000 (2.000–2.000) | 3.000 (3.000–3.000) |');
    expect(markdown).toContain('divided by 1 − s');
  });

  test('says what each needs at rest, and what the winners are worth', () => {
    expect(markdown).toContain('| processor time of the Node processes (% of a core) | 2.0 | 2.0 | 2.0 |');
    expect(markdown).toContain('in all 5 rounds in 6 of 100 rows');
    expect(markdown).toContain('No more than two stand at once');
  });

  test('agrees with the study by the two stacks that it had, also where there are more', () => {
    const rates = { sync: 100, async: 200, monolith: 300 };
    expect(markdownOf(reportOf(aPairedComparison(rates)), 'charts')).toContain(
      'The same stack wins as in the study: throughput at 250 and throughput at 500.',
    );
  });

  test('is silent of the study where it had none of them', () => {
    const text = markdownOf(reportOf(aPairedComparison({ 'async:shared': 200, monolith: 300 })), 'charts');
    expect(text).toContain('|  | async:shared | monolith | winner |\n');
    expect(text).toContain('## The figures\n');
  });

  test('has charts whose files have plain names', () => {
    expect(markdown).toContain('](charts/cpu-async-shared.svg)');
  });
});
