import type { Block, Document } from './document.ts';

/** The document as Markdown; its charts are files in `chartFolder`, as the Markdown sees it. */
export function markdownOf({ title, blocks }: Document, chartFolder: string): string {
  return [`# ${title}`, ...blocks.map((block) => markdownOfBlock(block, chartFolder))].join('\n\n') + '\n';
}

function markdownOfBlock(block: Block, chartFolder: string): string {
  switch (block.kind) {
    case 'heading':
      return `## ${escaped(block.text)}`;
    case 'paragraph':
      return escaped(block.text);
    case 'list':
      return block.items.map((item) => `- ${escaped(item)}`).join('\n');
    case 'warning':
      return [`> **${escaped(block.title)}**`, '>', ...block.items.map((item) => `> - ${escaped(item)}`)].join('\n');
    case 'table':
      return `**${escaped(block.caption)}**\n\n${markdownTable(block.head, block.rows)}`;
    case 'chart':
      return `![${escaped(`${block.chart.title} ${block.chart.caption}`)}](${chartFolder}/${block.chart.id}.svg)`;
  }
}

export function markdownTable(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => escaped(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map((_, at) => (at === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n');
}

/** A line break would end a row or a quotation; the others would be taken for markup. */
export function escaped(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ').replaceAll(/[\\*_`<[\]]/g, '\\$&');
}
