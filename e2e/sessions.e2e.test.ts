import { expect, test } from '@jest/globals';
import { expectAuditClean } from '../test-kit/stack/audit.ts';
import { expectProblem } from '../test-kit/stack/expectations.ts';
import { bodyOf } from '../test-kit/http.ts';
import { until } from '../test-kit/until.ts';
import { password, type Session, type Shop, type Shopper } from '../test-kit/stack/shop.ts';
import { onEachStack } from '../test-kit/stack/stacks.ts';

/** One of each service that asks who somebody is. */
const everywhere = (shopper: Shopper, id: string) => [
  shopper.call('GET', '/api/users/me'),
  shopper.call('GET', `/api/carts/${id}`),
  shopper.call('GET', `/api/reservations/${id}`),
  shopper.call('GET', '/api/orders'),
  shopper.call('GET', `/api/payments/${id}`),
  shopper.call('POST', '/api/products', { body: {} }),
];
const nobodys = '01985f6a-7c00-7a11-8c6d-0f5d7c1b2a99';

/** All services refuse the token, on whichever instance: as often as there are instances, and more, in a row. */
const untilRefused = async (shopper: Shopper) => {
  let inARow = 0;
  await until('refused everywhere', async () => {
    const answers = await Promise.all(everywhere(shopper, nobodys));
    inARow = answers.every(({ status }) => status === 401) ? inARow + 1 : 0;
    return inARow >= 6;
  });
};
const acceptedEverywhere = async (shopper: Shopper) => {
  const statuses = (await Promise.all(everywhere(shopper, nobodys))).map(({ status }) => status);
  expect(statuses).toEqual([200, 404, 404, 200, 404, 403]);
};

const options = { demo: { shoppers: 5 } };

const life = (theShop: () => Shop) => {
  const signIn = async (email: string, secret = password) => {
    const session = bodyOf(await theShop().logIn(email, secret), 201);
    return { session, shopper: theShop().shopperOf(session) };
  };
  const refresh = ({ refreshToken }: Session) =>
    theShop().call<Session>('POST', '/api/sessions/refresh', { body: { refreshToken } });

  test('that is logged out is refused by all services, and no other is', async () => {
    const email = 'shopper1@example.com';
    const [gone, stays] = [await signIn(email), await signIn(email)];
    await acceptedEverywhere(gone.shopper);
    expect((await gone.shopper.call('DELETE', '/api/sessions/current')).status).toBe(204);
    await untilRefused(gone.shopper);
    expectProblem(await refresh(gone.session), 401, 'refresh-token-invalid');
    await acceptedEverywhere(stays.shopper);
  });

  test('ends with the password it was opened with, but for the one from which that is changed', async () => {
    const shop = theShop();
    const email = 'changing@example.com';
    bodyOf(await shop.call('POST', '/api/users', { body: { email, password } }), 201);
    const [here, there] = [await signIn(email), await signIn(email)];
    const body = { currentPassword: password, newPassword: 'a new one for this test' };
    expect((await here.shopper.call('PUT', '/api/users/me/password', { body })).status).toBe(200);
    await untilRefused(there.shopper);
    await acceptedEverywhere(here.shopper);
    await acceptedEverywhere((await signIn(email, body.newPassword)).shopper);
  });

  test('ends with its account, whose orders stay', async () => {
    const shop = theShop();
    const email = 'leaving@example.com';
    bodyOf(await shop.call('POST', '/api/users', { body: { email, password } }), 201);
    const { shopper } = await signIn(email);
    const { reservation } = await shopper.aPurchase(await shop.aProduct());
    expect((await shopper.order(reservation.orderId)).status).toBe('confirmed');
    expect((await shopper.call('DELETE', '/api/users/me', { body: { password } })).status).toBe(204);
    await untilRefused(shopper);
    bodyOf(await shop.call('POST', '/api/users', { body: { email, password } }), 201);
    const again = await signIn(email);
    expectProblem(await again.shopper.call('GET', `/api/orders/${reservation.orderId}`), 404, 'not-found');
    await expectAuditClean(shop.stack);
  });
};

// Sessions end by Redis and HTTP on every stack.
onEachStack('a session', options, life, ['sync']);
/** As where JWT_SECRET is of no use any more. */
const keyPair = { TOKEN_SIGNING: 'es256', TOKEN_ALGORITHMS: 'es256' };
onEachStack('a session whose tokens only the user service can sign', { ...options, env: keyPair }, life, ['async']);
