import { describe, expect, jest, test } from '@jest/globals';
import { UsageError } from '../../infra/command-line.ts';
import { parseBenchArguments, phases } from './arguments.ts';

const parse = (line: string) => parseBenchArguments(line.split(' ').filter(Boolean));

describe('the command line of the benchmark', () => {
  test('without arguments everything is measured on an own stack, five pairs at each level', () => {
    expect(parse('')).toEqual({
      stack: {
        stack: 'async',
        layout: 'separate',
        instances: 2,
        url: undefined,
        stackFile: undefined,
        cpuProfile: false,
      },
      only: phases,
      turns: { rounds: 5, levels: [50, 500], seconds: 15, warmUpSeconds: 30 },
      seconds: undefined,
      quick: false,
      warmUp: true,
    });
  });

  test('single phases, sizes and a running stack', () => {
    const line = '--url http://127.0.0.1:8080/ --only pairs,race --vus 100 --seconds 20 --pairs 7 --no-warm-up';
    expect(parse(line)).toMatchObject({
      stack: { url: 'http://127.0.0.1:8080' },
      only: ['pairs', 'race'],
      turns: { rounds: 7, levels: [100], seconds: 20 },
      seconds: 20,
      warmUp: false,
    });
  });

  test('names of the release before go on working, with a warning', () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
    try {
      expect(parseBenchArguments(['--repeat', '9', '--only', 'checkout,fifty,audit'])).toMatchObject({
        only: ['pairs', 'audit'],
        turns: { rounds: 9 },
      });
      expect(parseBenchArguments(['--repeat', '1']).turns.rounds).toBe(5);
      expect(warn).toHaveBeenCalledTimes(4);
    } finally {
      warn.mockRestore();
    }
  });

  test('a stack in another layout, with more instances', () => {
    expect(parse('--stack sync --layout shared --instances 3').stack).toMatchObject({
      stack: 'sync',
      layout: 'shared',
      instances: 3,
    });
  });

  test.each([
    '--vus 0',
    '--vus many',
    '--pairs 4',
    '--only everything',
    '--stack sync --only backlog,accepted',
    '--stack monolith --layout separate',
    '--stack both',
    '--layout both',
    '--url shop',
    '--url ftp://shop',
    '--fast',
    'checkout',
  ])('refuses %s', (line) => {
    expect(() => parse(line)).toThrow(UsageError);
  });
});
