import { endpoints, objectives, promisedVus } from '../objectives.ts';
import type { Analysis } from './analysis.ts';
import type { SweepResult } from './results.ts';

/** The report as Markdown. */
export function markdownReport(result: SweepResult, analysis: Analysis): string {
  const { machine } = result;
  return [
    `# Sweep of the ${result.stack} stack`,
    `Measured ${result.startedAt} on ${machine.cpu}, ${machine.cores} processors, ${(machine.memoryBytes / 1e9).toFixed(0)} GB, ${machine.system}; Node ${machine.node}, k6 ${machine.k6.split(' ')[0]}, commit ${machine.commit}. k6 ran beside the stack, without think time.`,
    ...(analysis.remarks.length > 0
      ? [list(analysis.remarks.map((remark) => `**${remark.replaceAll('\n', ' ')}**`))]
      : []),
    '## Levels',
    levelTable(analysis),
    '## Breaking point',
    analysis.breakingPoint.vus === undefined
      ? '**No number is given.**'
      : `**Throughput stops growing at about ${analysis.breakingPoint.vus} virtual users.**`,
    list(analysis.breakingPoint.reasoning),
    `## Objectives, promised up to ${promisedVus} virtual users`,
    complianceTable(analysis),
    list(missed(analysis)) || 'None is missed.',
    '## Degradation of p95 against the lowest level',
    degradationTable(analysis),
    '## Best and worst endpoints',
    rankingText(analysis),
    '## What is used up',
    recommendationText(analysis),
    '## Production readiness',
    table(
      ['', 'check', 'evidence'],
      analysis.checklist.map(({ question, answer, evidence }) => [answer, question, evidence]),
    ),
    '',
  ].join('\n\n');
}

function levelTable({ levels }: Analysis): string {
  return table(
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

const marks = { met: '✓', missed: '✗', 'not measured': '?' };

function complianceTable({ levels }: Analysis): string {
  return table(
    ['p95 ms', 'promised', ...levels.map(({ level }) => String(level.vus))],
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

function degradationTable({ levels }: Analysis): string {
  return table(
    ['', ...levels.map(({ level }) => String(level.vus))],
    endpoints.map((endpoint) => [
      endpoint,
      ...levels.map(({ degradation }) => {
        const value = degradation[endpoint];
        return value === undefined ? '–' : `${value >= 0 ? '+' : '−'}${Math.abs(value).toFixed(0)} %`;
      }),
    ]),
  );
}

function rankingText({ ranking }: Analysis): string {
  const [best, worst] = [ranking?.ranks[0], ranking?.ranks.at(-1)];
  if (!ranking || !best || !worst) return 'No endpoint has figures.';
  const rows = ranking.ranks.map(({ endpoint, p95Ms, share }) => [
    endpoint,
    p95Ms.toFixed(0),
    `${(share * 100).toFixed(0)} %`,
  ]);
  return `At ${ranking.vus} virtual users **${best.endpoint}** is the best and **${worst.endpoint}** the worst, by the share of its objective that the p95 takes.\n\n${table(['', 'p95 ms', 'of its objective'], rows)}`;
}

function recommendationText({ recommendations }: Analysis): string {
  if (!recommendations) return 'Nothing was measured.';
  const { vus, lines } = recommendations;
  return lines.length > 0
    ? `At ${vus} virtual users:\n\n${list(lines)}`
    : `Nothing that was measured was used up at ${vus} virtual users.`;
}

function list(lines: string[]): string {
  return lines.map((line) => `- ${line}`).join('\n');
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
