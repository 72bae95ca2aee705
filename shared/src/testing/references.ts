/** Every `$ref` in a JSON document, wherever it stands. */
export function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, entry]) => (key === '$ref' ? [entry as string] : references(entry)));
}

/** What a reference such as `#/components/schemas/order` names; undefined when there is nothing. */
export const resolveReference = (document: unknown, reference: string): unknown =>
  reference
    .slice(2)
    .split('/')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document);
