import { auditReport, complaintsReport, table } from '../lib/report.ts';
import { figuresOf, readsRatio, shareOfReads } from './figures.ts';
import { loadNames, replicas, type ReadsResult, type ReadsTurn } from './results.ts';

const sideName = (count: number) => (count === 0 ? 'primary alone' : 'with a replica');
const percent = (share: number | undefined) => (share === undefined ? '' : `${(share * 100).toFixed(0)} %`);

export function turnReport({ round, load, replicas: count, ...turn }: ReadsTurn): string {
  const { purchasesPerSecond, readsPerSecond, wrong, dropped, complaints } = turn;
  const trouble = wrong + dropped > 0 ? `; ${wrong} wrong, ${dropped} dropped` : '';
  const rates = `${purchasesPerSecond.toFixed(1)} purchases/s, ${readsPerSecond.toFixed(0)} reads/s`;
  return [`round ${round}, ${load}, ${sideName(count)}: ${rates}${trouble}`, ...complaintsReport(complaints)].join(
    '\n',
  );
}

export function readsReport({ turns, audits }: ReadsResult): string {
  const rows = loadNames.flatMap((load) =>
    replicas.flatMap((count) => {
      const figures = figuresOf(turns, load, count);
      if (!figures) return [];
      const { purchasesPerSecond, readsPerSecond, readP95Ms, primaryMs, replicaMs, servicesMs } = figures;
      const cpu = [primaryMs, replicaMs, servicesMs].map((ms) => ms.toFixed(2));
      return [
        [load, sideName(count), purchasesPerSecond.toFixed(1), readsPerSecond.toFixed(0), readP95Ms.toFixed(1), ...cpu],
      ];
    }),
  );
  const cpu = ['primary, ms/purchase', 'replica', 'services'];
  return [
    table(['load', '', 'purchases/s', 'reads/s', 'read p95, ms', ...cpu], rows),
    '',
    `of the primary's processor time goes to reads, at 20 a purchase: ${replicas.map((count) => `${sideName(count)} ${percent(shareOfReads(turns, count))}`).join(', ')}`,
    `reads/s of 100 readers beside the same sale, with a replica: ${readsRatio(turns)?.toFixed(2) ?? '–'} of those without`,
    ...audits.map(auditReport),
  ].join('\n');
}
