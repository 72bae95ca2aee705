import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../../infra/command-line.ts';
import { parseBenchArguments, phases } from './args.ts';

describe('the command line of the benchmark', () => {
  test('without arguments everything is measured on an own stack', () => {
    expect(parseBenchArguments([])).toEqual({
      stack: 'async',
      url: undefined,
      stackFile: undefined,
      only: phases,
      vus: 500,
      seconds: undefined,
      repeat: 1,
      quick: false,
      warmUp: true,
      cpuProfile: false,
    });
  });

  test('single phases, sizes and a running stack', () => {
    const line =
      '--url http://127.0.0.1:8080/ --only checkout,race --vus 100 --seconds 5 --repeat 3 --quick --no-warm-up';
    expect(parseBenchArguments(line.split(' '))).toMatchObject({
      url: 'http://127.0.0.1:8080',
      only: ['checkout', 'race'],
      vus: 100,
      seconds: 5,
      repeat: 3,
      quick: true,
      warmUp: false,
    });
  });

  test.each([
    '--vus 0',
    '--vus many',
    '--only everything',
    '--stack sync --only backlog,accepted',
    '--stack both',
    '--url shop',
    '--url ftp://shop',
    '--fast',
    'checkout',
  ])('refuses %s', (line) => {
    expect(() => parseBenchArguments(line.split(' '))).toThrow(UsageError);
  });
});
