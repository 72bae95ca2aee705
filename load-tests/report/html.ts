import type { Block, Document } from './document.ts';

/** The document as one file that needs no other: no script, no font, no address. */
export function htmlOf({ title, blocks }: Document): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
${blocks.map(htmlOfBlock).join('\n')}
</main>
</body>
</html>
`;
}

function htmlOfBlock(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `<h2>${escaped(block.text)}</h2>`;
    case 'paragraph':
      return `<p>${escaped(block.text)}</p>`;
    case 'list':
      return list(block.items);
    case 'warning':
      return `<aside aria-label="${escaped(block.title)}"><strong>${escaped(block.title)}</strong>${list(block.items)}</aside>`;
    case 'table':
      return tableOf(block.caption, block.head, block.rows);
    case 'chart': {
      const { id, title, caption, svg } = block.chart;
      return `<figure role="group" aria-labelledby="${id}"><figcaption id="${id}"><strong>${escaped(title)}</strong> ${escaped(caption)}</figcaption><div class="wide" tabindex="0">${svg}</div></figure>`;
    }
  }
}

function list(items: string[]): string {
  return `<ul>${items.map((item) => `<li>${escaped(item)}</li>`).join('')}</ul>`;
}

function tableOf(caption: string, head: string[], rows: string[][]): string {
  const columns = head.map((cell) => `<th scope="col">${escaped(cell)}</th>`).join('');
  const body = rows.map(([name = '', ...cells]) => {
    const others = cells.map((cell) => `<td>${escaped(cell)}</td>`).join('');
    return `<tr><th scope="row">${escaped(name)}</th>${others}</tr>`;
  });
  return `<div class="wide" tabindex="0" role="region" aria-label="${escaped(caption)}"><table><caption>${escaped(caption)}</caption><thead><tr>${columns}</tr></thead><tbody>${body.join('\n')}</tbody></table></div>`;
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, (found) => entities[found] ?? found);
}

const style = `
:root { --text: #1b1f24; --soft: #59636e; --line: #d1d9e0; --page: #ffffff; --raised: #f6f8fa; --warn: #9a6700; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --soft: #9198a1; --line: #3d444d; --page: #0d1117; --raised: #151b23; --warn: #d29922; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 1rem; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .75rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line); }
p, ul { max-width: 48rem; }
aside { border-left: 4px solid var(--warn); background: var(--raised); padding: .75rem 1rem; margin: 1.25rem 0; }
aside ul { margin: .4rem 0 0; padding-left: 1.2rem; }
.wide { overflow-x: auto; margin: 1.25rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .4rem; }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
td { white-space: nowrap; }
th:first-child { text-align: left; font-weight: 500; }
thead th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
figure { margin: 1.75rem 0; }
figcaption { max-width: 48rem; margin-bottom: .25rem; }
figure .wide { margin: 0; }
figure svg { width: 100%; min-width: 44rem; height: auto; display: block; }
@media print {
  :root { --text: #000; --soft: #333; --line: #bbb; --page: #fff; --raised: #fff; }
  html, body { font-size: 9.5pt; }
  main { max-width: none; padding: 0; }
  figure, aside, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
  .wide { overflow: visible; }
  figure svg { min-width: 0; }
}
`;
