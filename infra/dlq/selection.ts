import type { ServiceName } from '@flash-sale/contract/services.ts';
import type { DeadLetter } from './dead-letter.ts';

/** Which dead letters are meant; all of them unless something is given. */
export interface Selection {
  service?: ServiceName;
  type?: string;
  id?: string;
}

export const isSelected = ({ service, type, id }: DeadLetter, wanted: Selection): boolean =>
  (wanted.service ?? service) === service && (wanted.type ?? type) === type && (wanted.id ?? id) === id;
