import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../command-line.ts';
import { parseArguments } from './arguments.ts';

describe('the arguments of dlq', () => {
  test('are everything in the running stack unless given', () => {
    expect(parseArguments(['list'])).toEqual({ command: 'list', selection: {}, url: undefined });
  });

  test('are given with a space or an equals sign', () => {
    const selection = { service: 'order', type: 'stock.held', id: '1' };
    const url = 'amqp://user:a=b@127.0.0.1:5672';
    expect(parseArguments(['replay', '--service=order', '--type', 'stock.held', '--id=1', `--url=${url}`])).toEqual({
      command: 'replay',
      selection,
      url,
    });
  });

  test('drop wants to know which, or that all are meant', () => {
    expect(() => parseArguments(['drop', '--service', 'order'])).toThrow(/--id, or --all/);
    expect(parseArguments(['drop', '--service', 'order', '--all']).selection).toEqual({ service: 'order' });
    expect(parseArguments(['drop', '--id', '1']).selection).toEqual({ id: '1' });
  });

  test.each([[], ['empty'], ['list', '--service', 'user'], ['list', '--id'], ['list', '--type', '--all']])(
    'refuses %s %s %s',
    (...argv) => {
      expect(() => parseArguments(argv)).toThrow(UsageError);
    },
  );

  test('says which words there are to whoever says none, or another', () => {
    expect(() => parseArguments([])).toThrow('npm run dlq -- list|show|replay|drop: say what to do');
    expect(() => parseArguments(['empty'])).toThrow('npm run dlq -- list|show|replay|drop, not "empty"');
  });

  test.each([['http://x'], ['amqp://'], ['order']])('refuses %s as an address', (url) => {
    expect(() => parseArguments(['list', '--url', url])).toThrow(UsageError);
  });
});
