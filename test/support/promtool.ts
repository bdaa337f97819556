// Prometheus' own checker, where this machine has one: on the PATH, or beside the servers that tests have built.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { cacheHome } from '../../common/cache-home.ts';

/** The command; undefined where there is none. Debian's package `prometheus` has it. */
export function findPromtool(): string | undefined {
  const places = ['promtool', join(cacheHome(), 'bin/promtool')];
  return places.find((place) => spawnSync(place, ['--version']).status === 0);
}

/** What it finds wrong with a scrape; nothing if all is well. */
export function promtoolProblems(promtool: string, text: string): string {
  const { status, stdout, stderr } = spawnSync(promtool, ['check', 'metrics'], { input: text });
  const said = `${stdout.toString()}${stderr.toString()}`;
  return status === 0 ? said : `exit ${status}\n${said}`;
}
