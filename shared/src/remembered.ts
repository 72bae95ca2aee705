const mostRemembered = 10_000;

/**
 * A function that answers the same without working it out again. For what depends on nothing but a short text, is asked
 * with every request, and is much the same from one to the next, such as addresses. Bounded: forgets all when it is full.
 */
export function remembered<Result>(workOut: (text: string) => Result): (text: string) => Result {
  const known = new Map<string, { result: Result }>();
  return (text) => {
    let entry = known.get(text);
    if (!entry) {
      entry = { result: workOut(text) };
      if (known.size >= mostRemembered) known.clear();
      known.set(text, entry);
    }
    return entry.result;
  };
}
