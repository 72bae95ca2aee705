import { expect, test } from '@jest/globals';
import { serviceNames } from '@flash-sale/contract/services.ts';
import { UnusableConfiguration } from '../config.ts';
import { environmentsIn, settingOf } from './environments.ts';

test('each service has what all share, and over it what is for it alone; none sees what is for another', () => {
  const own = Object.fromEntries(serviceNames.map((name) => [settingOf(name, 'DATABASE_URL'), `of ${name}`]));
  const environments = environmentsIn({
    ...own,
    LOG_LEVEL: 'info',
    BATCH_MAX: '5',
    [settingOf('order', 'BATCH_MAX')]: '1',
  });
  for (const name of serviceNames)
    expect(environments[name]).toEqual({
      LOG_LEVEL: 'info',
      BATCH_MAX: name === 'order' ? '1' : '5',
      DATABASE_URL: `of ${name}`,
    });
});

test('what begins like a service, and is no setting of one, is left as it is', () => {
  // ORDER_ID_SECRET is a secret of all, and others set variables with two underscores, too.
  const foreign = { ORDER_ID_SECRET: 'x', NVM__BIN: '/bin', __CF_USER_TEXT_ENCODING: '0' };
  expect(environmentsIn(foreign).order).toEqual(foreign);
});

test('a setting of a service that there is not is refused by its name', () => {
  expect(() => environmentsIn({ TILL__PORT: '1', ORDERS__DATABASE_URL: 'x' })).toThrow(UnusableConfiguration);
  expect(() => environmentsIn({ TILL__PORT: '1', ORDERS__DATABASE_URL: 'x' })).toThrow(
    /\n {2}TILL__PORT: there is no service till\n {2}ORDERS__DATABASE_URL: there is no service orders$/,
  );
});
