// Prometheus' own checker, where this machine has one: on the PATH, or beside the servers that tests have built.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { cacheHome } from '../../common/cache-home.ts';

/** The command; undefined where there is none. Debian's package `prometheus` has it. */
export function findPromtool(): string | undefined {
  const bin = join(cacheHome(), 'bin');
  const built = existsSync(bin) ? readdirSync(bin) : [];
  const names = built.filter((name) => name.startsWith('promtool')).map((name) => join(bin, name));
  const places = ['promtool', ...names];
  return places.find((place) => spawnSync(place, ['--version']).status === 0);
}

/** What it finds wrong with a scrape; nothing if all is well. */
export function promtoolProblems(promtool: string, text: string): string {
  const { status, stdout, stderr } = spawnSync(promtool, ['check', 'metrics'], { input: text });
  const said = `${stdout.toString()}${stderr.toString()}`;
  return status === 0 ? said : `exit ${status}\n${said}`;
}
