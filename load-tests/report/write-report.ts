import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Document } from './document.ts';
import { htmlOf } from './html.ts';
import { markdownOf } from './markdown.ts';
import { withOwnColours } from './svg-file.ts';

/** Writes report.html, report.md with its charts, and report.json into the folder; answers the path of the first. */
export async function writeReport(folder: string, document: Document, figures: unknown): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeCharts(join(folder, 'charts'), document);
  await writeFile(join(folder, 'report.md'), markdownOf(document, 'charts'));
  await writeFile(join(folder, 'report.json'), JSON.stringify(figures, null, 2) + '\n');
  const page = join(folder, 'report.html');
  await writeFile(page, htmlOf(document));
  return page;
}

/** The charts as files of their own, in place of those that are there. */
export async function writeCharts(folder: string, { blocks }: Document): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const charts = blocks.flatMap((block) => (block.kind === 'chart' ? [block.chart] : []));
  if (charts.length > 0) await mkdir(folder, { recursive: true });
  for (const { id, svg } of charts) await writeFile(join(folder, `${id}.svg`), withOwnColours(svg));
}
