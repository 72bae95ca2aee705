const maxRemembered = 10_000;
const maxTextLength = 256;

/**
 * A function that answers the same without working it out again. For what depends on nothing but a short text, is asked
 * with every request, and is much the same from one to the next, such as addresses. Bounded, since strangers may choose
 * the texts: long ones are not kept, and what is full forgets all.
 */
export function remembered<Result>(workOut: (text: string) => Result): (text: string) => Result {
  const known = new Map<string, { result: Result }>();
  return (text) => {
    if (text.length > maxTextLength) return workOut(text);
    let entry = known.get(text);
    if (!entry) {
      entry = { result: workOut(text) };
      if (known.size >= maxRemembered) known.clear();
      known.set(text, entry);
    }
    return entry.result;
  };
}
