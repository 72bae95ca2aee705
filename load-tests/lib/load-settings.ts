/**
 * Settings of the services under which load programs run a stack: few accounts do in minutes what a crowd does in a sale, and
 * that is to be measured, not refused or expired. A tree that does not know one of them is run without it.
 */
export const loadSettings: Readonly<Record<string, string>> = {
  /** Longer than any benchmark: what one phase has reserved must not be released in the middle of another. */
  HOLD_TTL_MS: '7200000',
};
