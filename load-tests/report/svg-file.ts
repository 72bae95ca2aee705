/** A drawing outside a page has no page to take its colours from: it asks for light or dark itself. */
export function withOwnColours(svg: string): string {
  const style = '<style>svg{color:#1b1f24}@media(prefers-color-scheme:dark){svg{color:#e6edf3}}</style>';
  return svg.replace(/^<svg[^>]*>/, (start) => `${start}${style}`) + '\n';
}
