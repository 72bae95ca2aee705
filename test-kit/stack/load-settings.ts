/**
 * Lifts the bounds of a single shopper, which virtual users would exceed: they share accounts, hold without paying, and send as
 * fast as they can. Rate limits need no setting, since the launcher exempts this machine.
 */
export const liftedBounds = {
  OPEN_RESERVATIONS_MAX: '0',
  LEFT_TO_EXPIRE_MAX: '0',
  UNPAID_UNITS_MAX: '0',
};

/** The same by numbers that no run reaches, so that everything is counted as in production: to measure what counting costs. */
export const countedBounds = {
  OPEN_RESERVATIONS_MAX: '1000000',
  LEFT_TO_EXPIRE_MAX: '1000000',
  UNPAID_UNITS_MAX: '1000000',
  LOGIN_LIMIT_PER_ADDRESS: '1000000',
  CART_LIMIT_PER_ACCOUNT: '1000000',
  CART_LIMIT_PER_ADDRESS: '1000000',
  RESERVATION_LIMIT_PER_ACCOUNT: '1000000',
  RESERVATION_LIMIT_PER_ADDRESS: '1000000',
  RATE_LIMIT_EXEMPT: '',
};

/**
 * Settings of the services under which load programs run a stack: a few accounts do in minutes what a crowd does in a sale, and are
 * to be measured, not refused. A tree that does not know one of them runs without it.
 */
export const loadSettings: Readonly<Record<string, string>> = {
  ...liftedBounds,
  /** Longer than any benchmark: holds of one phase must not expire during another. */
  HOLD_TTL_MS: '7200000',
};
