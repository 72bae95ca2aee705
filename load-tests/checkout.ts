// The checkout journey for k6 2.x: k6 run -e VUS=500 -e DURATION=60s load-tests/checkout.ts (settings: load-tests/README.md)
import { credentials, must, post } from './shop/api.ts';
import { journeyOptions, openSale, purchase, take, think, type Sale } from './shop/journeys.ts';

export const options = journeyOptions('log in');
export const setup = openSale;

let login = '';

export default function (sale: Sale): void {
  take(sale, (key) => {
    login ||= credentials(__VU);
    const session = post('/api/sessions', login, 'log in');
    must(session, session.status === 201);
    const token = session.json('accessToken') as string;
    must(session, token.length > 0);
    think();
    purchase(sale.productId, key, token);
  });
}
