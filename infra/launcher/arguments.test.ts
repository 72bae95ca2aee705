import { describe, expect, test } from '@jest/globals';
import { parseArguments, UsageError } from './arguments.ts';

describe('the arguments of npm start', () => {
  test('have defaults', () => {
    expect(parseArguments([])).toEqual({ stack: 'async', port: 8080, host: '127.0.0.1' });
  });

  test.each([
    [['--stack', 'sync', '--port', '8081'], { stack: 'sync', port: 8081, host: '127.0.0.1' }],
    [['--port=80', '--host=0.0.0.0'], { stack: 'async', port: 80, host: '0.0.0.0' }],
    [['--host', '::1'], { stack: 'async', port: 8080, host: '::1' }],
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
    [['--port', '65536']],
    [['--port', '80.5']],
    [['--port', '8e3']],
    [['--host', '127.0.0.1; return 200']],
  ])('%j is refused', (argv) => {
    expect(() => parseArguments(argv)).toThrow(UsageError);
  });
});
