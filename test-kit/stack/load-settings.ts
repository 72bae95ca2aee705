/**
 * What bounds one shopper does not bound a crowd of virtual ones: they share accounts, hold without paying, and ask as fast
 * as they can. Rate limits need no setting: the launcher exempts requests from this machine.
 */
export const liftedBounds = {
  OPEN_RESERVATIONS_MAX: '0',
  LEFT_TO_EXPIRE_MAX: '0',
  UNPAID_UNITS_MAX: '0',
};

/** The same by numbers that no run reaches: everything is counted as in a shop, for a pair that shows what it costs. */
export const countedBounds = {
  OPEN_RESERVATIONS_MAX: '1000000',
  LEFT_TO_EXPIRE_MAX: '1000000',
  UNPAID_UNITS_MAX: '1000000',
  CART_LIMIT_PER_ACCOUNT: '1000000',
  CART_LIMIT_PER_ADDRESS: '1000000',
  RESERVATION_LIMIT_PER_ACCOUNT: '1000000',
  RESERVATION_LIMIT_PER_ADDRESS: '1000000',
  RATE_LIMIT_EXEMPT: '',
};

/**
 * Settings of the services under which load programs run a stack: few accounts do in minutes what a crowd does in a sale, and
 * that is to be measured, not refused or expired. A tree that does not know one of them is run without it.
 */
export const loadSettings: Readonly<Record<string, string>> = {
  ...liftedBounds,
  /** Longer than any benchmark: what one phase has reserved must not be released in the middle of another. */
  HOLD_TTL_MS: '7200000',
};
