/**
 * What bounds one shopper does not bound a crowd of virtual ones: they share accounts, hold without paying, and ask as fast
 * as they can. So every stack that is started for load runs with these settings. Rate limits need none: the launcher exempts
 * requests from this machine. A release that does not know a setting passes it over.
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
