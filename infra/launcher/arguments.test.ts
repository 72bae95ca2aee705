import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../command-line.ts';
import { parseArguments } from './arguments.ts';
import { serverProblems } from './usable-settings.ts';

const defaults = {
  stack: 'async',
  layout: 'separate',
  instances: 2,
  port: 8080,
  host: '127.0.0.1',
  metrics: true,
  traces: false,
  replicas: 0,
  demo: true,
  publicDemo: false,
  env: {},
};

describe('the arguments of npm start', () => {
  test('have defaults', () => {
    expect(parseArguments([])).toEqual(defaults);
  });

  test.each([
    [['--stack', 'sync', '--port', '8081'], { stack: 'sync', port: 8081 }],
    [['--layout', 'shared', '--instances=3'], { layout: 'shared', instances: 3 }],
    [['--instances', '1', '--layout=separate'], { instances: 1 }],
    [['--stack', 'monolith'], { stack: 'monolith', layout: 'shared' }],
    [['--layout=shared', '--stack=monolith'], { stack: 'monolith', layout: 'shared' }],
    [['--port=80', '--host=0.0.0.0', '--no-demo'], { port: 80, host: '0.0.0.0', demo: false }],
    [['--host=0.0.0.0', '--public-demo'], { host: '0.0.0.0', publicDemo: true }],
    [['--host', 'localhost'], { host: 'localhost' }],
    [['--host', '127.0.0.2'], { host: '127.0.0.2' }],
    [['--no-metrics', '--port', '80'], { port: 80, metrics: false }],
    [['--no-demo'], { demo: false }],
    [['--traces'], { traces: true }],
    [['--replicas', '1'], { replicas: 1 }],
    [['--host', '::1'], { host: '::1' }],
    [['--host', '[::]', '--no-demo'], { host: '::', demo: false }],
    [['--set', 'EDGE_TRUSTED_PROXIES=10.0.0.0/8'], { env: { EDGE_TRUSTED_PROXIES: '10.0.0.0/8' } }],
    [['--set', 'HOLD_TTL_MS=5000', '--set=BATCH_MAX=64'], { env: { HOLD_TTL_MS: '5000', BATCH_MAX: '64' } }],
  ])('%j', (argv, expected) => {
    expect(parseArguments(argv)).toEqual({ ...defaults, ...expected });
  });

  test.each(['0.0.0.0', '::', '10.0.0.1', 'shop.example', '127.0.0.1.example', '::2'])(
    'open %s to others with the demo only if that is said',
    (host) => {
      expect(() => parseArguments(['--host', host])).toThrow(/password everybody knows.*--no-demo, or --public-demo/);
      expect(parseArguments(['--public-demo', '--host', host])).toMatchObject({ host, demo: true });
      expect(parseArguments(['--no-demo', '--host', host])).toMatchObject({ host, demo: false });
    },
  );

  test('take a setting without a value from the environment', () => {
    process.env.ADMIN_PASSWORD = 'not for the list of processes';
    const argv = ['--set', 'ADMIN_EMAIL=a@example.com', '--set', 'ADMIN_PASSWORD'];
    expect(parseArguments(argv).env).toEqual({
      ADMIN_EMAIL: 'a@example.com',
      ADMIN_PASSWORD: 'not for the list of processes',
    });
    delete process.env.ADMIN_PASSWORD;
    expect(() => parseArguments(argv)).toThrow(
      new UsageError('ADMIN_PASSWORD is not in the environment: export it, or --set ADMIN_PASSWORD=VALUE'),
    );
  });

  test.each([
    ['HOLD_TTL_MS=abc', '--set HOLD_TTL_MS: must be a whole number from 1 to 7200000, not "abc"'],
    ['HOLD_TTL_MS=', '--set HOLD_TTL_MS: must be a whole number from 1 to 7200000, not ""'],
    ['BATCH_MAX=1.5', '--set BATCH_MAX: must be a whole number from 1 to 1000000, not "1.5"'],
    ['UNPAID_PERCENT_MAX=101', '--set UNPAID_PERCENT_MAX: must be a number from 0 to 100, not "101"'],
    ['LOG_LEVEL=loud', '--set LOG_LEVEL: must be one of trace, debug, info, warn, error, silent, not "loud"'],
    ['RETENTION_MS=5', '--set RETENTION_MS: an hour at least, or 0 to keep everything, not "5"'],
    ['ADMIN_EMAIL=a@example.com', '--set ADMIN_PASSWORD: ADMIN_EMAIL and ADMIN_PASSWORD go together'],
    ['EDGE_TRUSTED_PROXIES=abc', '--set EDGE_TRUSTED_PROXIES: "abc" is not an address or CIDR'],
  ])('say in a line what is wrong with %s, before anything starts', (setting, line) => {
    expect(() => parseArguments(['--set', setting])).toThrow(new UsageError(line));
  });

  test('say of what is secret only what it must be', () => {
    process.env.ADMIN_PASSWORD = 'short';
    const argv = ['--set', 'ADMIN_EMAIL=a@example.com', '--set', 'ADMIN_PASSWORD'];
    expect(() => parseArguments(argv)).toThrow(/^--set ADMIN_PASSWORD: must have at least \d+ characters$/);
    delete process.env.ADMIN_PASSWORD;
  });

  test('say everything that is wrong with settings at once', () => {
    const argv = ['--set', 'HOLD_TTL_MS=abc', '--set', 'GATEWAY_TIMEOUT_MS=0', '--set', 'EDGE_CORS_ORIGINS=here'];
    const names = /^--set HOLD_TTL_MS: .*\n--set GATEWAY_TIMEOUT_MS: .*\n--set EDGE_CORS_ORIGINS: .*$/;
    expect(() => parseArguments(argv)).toThrow(names);
  });

  test('say what is wrong with a server of the environment, without its password', () => {
    expect(serverProblems({ DATABASE_URL: 'secret', REDIS_URL: '', AMQP_URL: 'http://a:secret@b' })).toEqual([
      'DATABASE_URL: must be a URL',
      'AMQP_URL: must be a URL of amqp or amqps',
    ]);
    expect(serverProblems({ DATABASE_URL: 'postgres://a:b@c', PATH: '/bin' })).toEqual([]);
  });

  test.each([
    [['--stak', 'sync']],
    [['sync']],
    [['--stack', 'both']],
    [['--stack']],
    [['--layout', 'both']],
    [['--layout', 'toString']],
    [['--layout']],
    [['--instances', '0']],
    [['--replicas', '4']],
    [['--replicas', 'some']],
    [['--replicas', '-1']],
    [['--instances', '7']],
    [['--instances', '1.5']],
    [['--instances', 'two']],
    [['--port', '--host']],
    [['--port', '0']],
    [['--no-metrics', 'yes']],
    [['--no-metrics=yes']],
    [['--set', 'HOLD_TTL_MS']],
    [['--set', 'HOLD_TTL=5000']],
    [['--set', 'JWT_SECRET=x']],
    [['--set', 'PORT=1']],
    [['--port', '65536']],
    [['--port', '80.5']],
    [['--port', '8e3']],
    [['--host', '127.0.0.1; return 200']],
    [['--host', 'fe80::1%eth0']],
    [['--host', '256.0.0.1']],
    [['--set', 'EDGE_LISTEN=0.0.0.0']],
  ])('%j is refused', (argv) => {
    expect(() => parseArguments(argv)).toThrow(UsageError);
  });

  test('say how many replicas there may be, none among it', () => {
    expect(() => parseArguments(['--replicas', 'two'])).toThrow('--replicas is a number from 0 to 3, not "two"');
    expect(parseArguments(['--replicas', '0'])).toEqual(defaults);
  });

  test('say which layouts there are, in one line', () => {
    expect(() => parseArguments(['--layout', 'both'])).toThrow(/^--layout is separate or shared, not "both"$/);
  });

  test.each([[['--stack', 'monolith', '--layout', 'separate']], [['--layout', 'separate', '--stack', 'monolith']]])(
    'say which layouts a stack has, in one line: %j',
    (argv) => {
      expect(() => parseArguments(argv)).toThrow(/^the stack monolith has the layout shared \(.*\), not separate$/);
    },
  );
});
