import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../command-line.ts';
import { parseArguments } from './arguments.ts';

const defaults = {
  stack: 'async',
  layout: 'separate',
  instances: 2,
  port: 8080,
  host: '127.0.0.1',
  metrics: true,
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
    expect(parseArguments(['--set', 'ADMIN_PASSWORD']).env).toEqual({
      ADMIN_PASSWORD: 'not for the list of processes',
    });
    delete process.env.ADMIN_PASSWORD;
    expect(() => parseArguments(['--set', 'ADMIN_PASSWORD'])).toThrow(UsageError);
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
