import { expect, test } from '@jest/globals';
import { isSetting } from '../../infra/launcher/settings.ts';
import { countedBounds, loadSettings } from './load-settings.ts';

test.each(Object.keys({ ...loadSettings, ...countedBounds }))(
  '%s is a setting that a stack of this tree can be given',
  (name) => {
    expect(isSetting(name)).toBe(true);
  },
);
