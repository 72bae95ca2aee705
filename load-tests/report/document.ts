import type { Chart } from './draw.ts';

/** A report as it is, before it becomes HTML or Markdown. All text is plain. */
export interface Document {
  title: string;
  blocks: Block[];
}

export type Block =
  | { kind: 'heading'; text: string }
  | { kind: 'paragraph'; text: string }
  | { kind: 'list'; items: string[] }
  /** What a reader must know before the figures. */
  | { kind: 'warning'; title: string; items: string[] }
  /** The first cell of a row names it. */
  | { kind: 'table'; caption: string; head: string[]; rows: string[][] }
  | { kind: 'chart'; chart: Chart };

/** Nothing where there is nothing to warn of. */
export function warningBlock(title: string, items: string[]): Block[] {
  return items.length > 0 ? [{ kind: 'warning', title, items }] : [];
}
