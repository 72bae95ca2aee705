import type { Block, Document } from '../report/document.ts';
import { endpoints, objectives, promisedVus } from '../objectives.ts';
import type { Analysis } from './analysis.ts';
import { chartsOf } from './charts.ts';
import type { SweepResult } from './results.ts';

/** What a sweep has shown, to be written as HTML or Markdown. */
export function reportOf(result: SweepResult, analysis: Analysis): Document {
  const { machine } = result;
  const { breakingPoint, remarks, checklist } = analysis;
  const heading = (text: string): Block => ({ kind: 'heading', text });
  const paragraph = (text: string): Block => ({ kind: 'paragraph', text });
  const [throughput, latency, compliance] = chartsOf(analysis).map((chart): Block => ({ kind: 'chart', chart }));
  return {
    title: `Sweep of the ${result.stack} stack`,
    blocks: [
      paragraph(
        `Measured ${result.startedAt} on ${machine.cpu}, ${machine.cores} processors, ${(machine.memoryBytes / 1e9).toFixed(0)} GB, ${machine.system}; Node ${machine.node}, k6 ${machine.k6.split(' ')[0]}, commit ${machine.commit}. There was no think time.`,
      ),
      ...(remarks.length > 0 ? [{ kind: 'warning', title: 'Before the figures', items: remarks } as const] : []),
      levelTable(analysis),
      heading('Breaking point'),
      paragraph(
        breakingPoint.vus === undefined
          ? 'No number is given.'
          : `Throughput stops growing at about ${breakingPoint.vus} virtual users.`,
      ),
      { kind: 'list', items: breakingPoint.reasoning },
      ...(throughput && latency ? [throughput, latency] : []),
      heading(`Objectives, promised up to ${promisedVus} virtual users`),
      ...(compliance ? [compliance] : []),
      complianceTable(analysis),
      { kind: 'list', items: missed(analysis) },
      heading('Degradation'),
      degradationTable(analysis),
      heading('Best and worst endpoints'),
      ...ranked(analysis),
      heading('What is used up'),
      ...usedUp(analysis),
      heading('Production readiness'),
      {
        kind: 'list',
        items: checklist.map(
          ({ question, answer, evidence }) =>
            `${answers[answer]} ${question}: ${answer}; ${evidence.replace(/\.$/, '')}.`,
        ),
      },
    ],
  };
}

function levelTable({ levels }: Analysis): Block {
  return table(
    'Levels',
    ['VUs', 'requests/s', 'p95 ms', 'p99 ms', 'failed', 'wrong', 'processors busy', 'of them k6', 'objectives met'],
    levels.map(({ level, compliance }) => {
      const sum = (key: 'wrong' | 'failed') =>
        Object.values(level.endpoints).reduce((total, one) => total + one[key], 0);
      const { busyCores, k6Cores } = level.resources;
      return [
        String(level.vus),
        level.requestsPerSecond.toFixed(0),
        level.all?.p95.toFixed(0) ?? '–',
        level.all?.p99.toFixed(0) ?? '–',
        String(sum('failed')),
        String(sum('wrong')),
        busyCores?.toFixed(2) ?? 'not measured',
        k6Cores?.toFixed(2) ?? 'not measured',
        `${compliance.filter(({ verdict }) => verdict === 'met').length} of ${compliance.length}`,
      ];
    }),
  );
}

const answers = { pass: '✓', fail: '✗', 'not measured': '?' };
const marks = { met: '✓', missed: '✗', 'not measured': '?' };

function complianceTable({ levels }: Analysis): Block {
  return table(
    'p95 in ms: ✓ kept, ✗ missed, ? not measured',
    ['endpoint', 'promised', ...levels.map(({ level }) => String(level.vus))],
    endpoints.map((endpoint) => [
      endpoint,
      String(objectives[endpoint].p95Ms),
      ...levels.map(({ level, compliance }) => {
        const verdict = compliance.find((one) => one.endpoint === endpoint)?.verdict ?? 'not measured';
        return `${level.endpoints[endpoint].trend?.p95.toFixed(0) ?? ''} ${marks[verdict]}`.trim();
      }),
    ]),
  );
}

/** One line an endpoint: where it is not as promised, and why at the first of these levels. */
function missed({ levels }: Analysis): string[] {
  return endpoints.flatMap((endpoint) => {
    const found = levels.flatMap(({ level, compliance }) =>
      compliance
        .filter((one) => one.endpoint === endpoint && one.verdict !== 'met')
        .map((one) => ({ ...one, vus: level.vus })),
    );
    const [first] = found;
    const others = found.slice(1).map(({ vus, verdict }) => `${vus} (${verdict})`);
    return first
      ? [
          `${endpoint}: ${first.verdict} at ${first.vus}, ${first.reasons.join('; ')}${others.length > 0 ? `. Also at ${others.join(', ')}` : ''}`,
        ]
      : [];
  });
}

function degradationTable({ levels }: Analysis): Block {
  return table(
    'p95 against the lowest level',
    ['endpoint', ...levels.map(({ level }) => String(level.vus))],
    endpoints.map((endpoint) => [
      endpoint,
      ...levels.map(({ degradation }) => {
        const value = degradation[endpoint];
        return value === undefined ? '–' : `${value >= 0 ? '+' : '−'}${Math.abs(value).toFixed(0)} %`;
      }),
    ]),
  );
}

function ranked({ ranking }: Analysis): Block[] {
  const [best, worst] = [ranking?.ranks[0], ranking?.ranks.at(-1)];
  if (!ranking || !best || !worst) return [{ kind: 'paragraph', text: 'No endpoint has figures.' }];
  const text = `At ${ranking.vus} virtual users “${best.endpoint}” is the best and “${worst.endpoint}” the worst, by the share of its objective that the p95 takes.`;
  const rows = ranking.ranks.map(({ endpoint, p95Ms, share }) => [
    endpoint,
    p95Ms.toFixed(0),
    `${(share * 100).toFixed(0)} %`,
  ]);
  return [
    { kind: 'paragraph', text },
    table('From the best to the worst', ['endpoint', 'p95 ms', 'of its objective'], rows),
  ];
}

function usedUp({ recommendations }: Analysis): Block[] {
  if (!recommendations) return [{ kind: 'paragraph', text: 'Nothing was measured.' }];
  const { vus, lines } = recommendations;
  if (lines.length > 0)
    return [
      { kind: 'paragraph', text: `At ${vus} virtual users:` },
      { kind: 'list', items: lines },
    ];
  return [{ kind: 'paragraph', text: `Of what was measured nothing was used up at ${vus} virtual users.` }];
}

function table(caption: string, head: string[], rows: string[][]): Block {
  return { kind: 'table', caption, head, rows };
}
