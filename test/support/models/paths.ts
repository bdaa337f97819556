// Where the tiny graphs and the tiny model set lie. Made by build.py beside this file.

import { fileURLToPath } from 'node:url';

export function graphPath(name: string): string {
  return fileURLToPath(new URL(`graphs/${name}`, import.meta.url));
}

export const TINY_SET = fileURLToPath(new URL('tiny-set', import.meta.url));
