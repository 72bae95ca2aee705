/** A folder that some server cannot be given; the message says which, and why. */
export class UnusableFolder extends Error {}

/**
 * Servers are configured by lines, and tell of their files in lines. Any other character can be quoted or avoided.
 * @throws UnusableFolder for a path with a control character, or with bytes that are no text
 */
export function assertUsableFolder(folder: string): void {
  const [wrong] = /[\x00-\x1f\x7f-\x9f\ufffd]/u.exec(folder) ?? [];
  if (wrong === undefined) return;
  throw new UnusableFolder(
    `The shop cannot run in ${JSON.stringify(folder)}: the path has a character that is no text (code ${wrong.codePointAt(0)}).`,
  );
}
