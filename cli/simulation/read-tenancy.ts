// Owners, priorities and numerics classes of a simulation: from `ann=3,bob=1`, `0,50,100` and `x=2,y=1,z=0`.

import { NO_TENANTS } from '../../coordinator/simulation/tenancy.ts';
import type { Tenancy } from '../../coordinator/simulation/tenancy.ts';

const PRIORITY_MAX = 100;

/** Adds to `problems` what cannot be read. */
export function tenancyOf(
  settings: Readonly<Record<string, unknown>>,
  problems: string[],
): Tenancy {
  const owners = parts(settings['owners'], { key: 'owners', min: 'above' }, problems);
  const classes = parts(settings['classes'], { key: 'classes', min: 'from' }, problems);
  if (classes?.every(({ part }) => part === 0) === true) {
    problems.push('classes: no worker is of any of them; give one a part above 0');
  }
  return {
    owners: owners?.map(({ name, part }) => ({ name, weight: part })) ?? NO_TENANTS.owners,
    classes: classes?.map(({ name, part }) => ({ name, share: part })) ?? NO_TENANTS.classes,
    priorities: prioritiesOf(settings['priorities'], problems) ?? NO_TENANTS.priorities,
  };
}

interface Part {
  readonly name: string;
  readonly part: number;
}

function parts(
  given: unknown,
  { key, min }: { readonly key: string; readonly min: 'above' | 'from' },
  problems: string[],
): readonly Part[] | undefined {
  if (given === undefined) return undefined;
  const words = typeof given === 'string' ? given.split(',') : [];
  const read = words.flatMap((word): Part[] => {
    const [, name, text] = /^([A-Za-z0-9._-]+)=([\d.]+)$/.exec(word.trim()) ?? [];
    const part = Number(text);
    const isIn = Number.isFinite(part) && (min === 'above' ? part > 0 : part >= 0);
    return name !== undefined && isIn ? [{ name, part }] : [];
  });
  const isWhole = words.length > 0 && read.length === words.length;
  const isUnique = new Set(read.map(({ name }) => name)).size === read.length;
  if (isWhole && isUnique) return read;
  const range = min === 'above' ? 'numbers above 0' : 'numbers from 0';
  problems.push(
    `${key}: expected different names with ${range}, say a=2,b=1, got ${JSON.stringify(given)}`,
  );
  return undefined;
}

function prioritiesOf(given: unknown, problems: string[]): readonly number[] | undefined {
  if (given === undefined) return undefined;
  const words = typeof given === 'number' ? [String(given)] : [];
  if (typeof given === 'string') words.push(...given.split(','));
  const read = words.map((word) => (word.trim() === '' ? Number.NaN : Number(word)));
  const isIn = (one: number): boolean => Number.isInteger(one) && one >= 0 && one <= PRIORITY_MAX;
  if (read.length > 0 && read.every(isIn)) return read;
  problems.push(
    `priorities: expected whole numbers from 0 to ${PRIORITY_MAX}, say 0,50, got ${JSON.stringify(given)}`,
  );
  return undefined;
}
