import { describe, expect, test } from '@jest/globals';
import { parseArguments, UsageError } from './arguments.ts';

describe('the arguments of npm start', () => {
  test('have defaults', () => {
    expect(parseArguments([])).toEqual({ stack: 'sync', port: 8080, host: '127.0.0.1', metrics: true });
  });

  test.each([
    [['--stack', 'async', '--port', '8081'], { stack: 'async', port: 8081, host: '127.0.0.1', metrics: true }],
    [['--port=80', '--host=0.0.0.0'], { stack: 'sync', port: 80, host: '0.0.0.0', metrics: true }],
    [['--no-metrics', '--port', '80'], { stack: 'sync', port: 80, host: '127.0.0.1', metrics: false }],
    [['--host', '::1'], { stack: 'sync', port: 8080, host: '::1', metrics: true }],
  ])('%j', (argv, expected) => {
    expect(parseArguments(argv)).toEqual(expected);
  });

  test.each([
    [['--stak', 'sync']],
    [['sync']],
    [['--stack', 'both']],
    [['--stack']],
    [['--port', '--host']],
    [['--port', '0']],
    [['--no-metrics', 'yes']],
    [['--no-metrics=yes']],
    [['--port', '65536']],
    [['--port', '80.5']],
    [['--port', '8e3']],
    [['--host', '127.0.0.1; return 200']],
  ])('%j is refused', (argv) => {
    expect(() => parseArguments(argv)).toThrow(UsageError);
  });
});
