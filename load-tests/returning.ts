// The checkout journey of shoppers who come back, and need not log in: k6 run -e VUS=500 load-tests/returning.ts (settings: load-tests/README.md)
import { credentials, must, patientSession, post } from './shop/api.ts';
import { journeyOptions, openSale, purchase, take, think, type Sale } from './shop/journeys.ts';

const patienceMs = 60_000;

export const options = journeyOptions('refresh');
export const setup = openSale;

/** Each is used once, for the next one. */
let refreshToken = '';

export default function (sale: Sale): void {
  // Some time ago, as it were: no part of a journey.
  refreshToken ||= patientSession(credentials(__VU), Date.now() + patienceMs).refreshToken;
  take(sale, (key) => {
    const body = JSON.stringify({ refreshToken });
    refreshToken = '';
    const session = post('/api/sessions/refresh', body, 'refresh');
    must(session, session.status === 201);
    refreshToken = session.json('refreshToken') as string;
    const token = session.json('accessToken') as string;
    must(session, token.length > 0 && refreshToken.length > 0);
    think();
    purchase(sale.productId, key, token);
  });
}
