/** The beginning of the API's documentation, in Markdown. */
export const introduction = `
A shop that sells a small stock to a huge crowd in seconds, exactly: never one unit too many, nobody charged for nothing.

**A first purchase.** Log in (\`POST /api/sessions\`; the demo has \`shopper1@example.com\` with the password
\`flash-sale-demo\`), press *Authorize* and paste the \`accessToken\`. Then: start a cart, add a product to it, reserve the
cart, and pay the \`orderId\` of the reservation with the token \`tok_ok\`. \`GET /api/orders/{id}\` then shows a confirmed
order.

**Waiting.** A reservation or a payment is answered by 201 if it was settled while you waited, and by 202 with
\`Location\` if it was not. Send \`Prefer: wait=10\` to get the outcome in one answer, as long as it comes within 10 seconds
(30 at most); the same header works for reading a reservation, an order or a payment. One client works with both kinds of
this shop: the synchronous one mostly answers 201, the event-driven one 202.

**Retries.** Reserving and paying need an \`Idempotency-Key\`. Make a new one for each purchase (this page
does, where you leave the example as it is), and send the same one again
when you did not get an answer: nothing is reserved or charged twice, and you get the first answer again.

**Sold out** (\`409 sold-out\`) means: fewer units are left than you asked for. It can change: units whose reservation is
cancelled or not paid in time go back on sale.

**Problems** are RFC 9457 documents (\`application/problem+json\`); tell them apart by \`type\`. With 429, 502, 503 and 504,
try again after \`Retry-After\` seconds, and with the same \`Idempotency-Key\`: after 502, 503 and 504 the first try may
have been accepted all the same. When more shoppers come than can be served, log-ins, registrations and new carts are refused
(\`503 overloaded\`), so that whoever has a cart can buy.

**Conventions.** Money is in minor units (\`4999\` EUR are 49.99 €), times are ISO 8601 in UTC, ids are UUIDs that sort by
time. Fields that are not documented are refused. Whatever belongs to somebody else is answered by 404.
`.trim();
