// What `bivdiff models check` says of models that are no set: what they are, and the command that makes a set of them, or why none can.

import { plural } from '../output/format.ts';
import { exportCommand } from './export-command.ts';
import { recogniseModels } from './recognise.ts';

/** For people, and as JSON with the keys that a set's report has. */
export async function describeForeign(
  path: string,
): Promise<{ readonly text: string; readonly json: object }> {
  const { what, problems, flags } = await recogniseModels(path);
  const command = problems.length === 0 ? await exportCommand(path, flags) : undefined;
  const json = {
    ...{ set: null, folder: path, name: null, sound: false, parts: [], warnings: [], what },
    problems: problems.map((one) => ({ part: 'weights', ...one })),
    command: command?.line ?? null,
  };
  const head = `${path}\n  ${what}; no set to render with\n`;
  if (command === undefined) {
    const told = problems.map(
      (one) => `problem: ${one.path} ${one.problem}\n  hint: ${one.hint}\n`,
    );
    return { text: `${head}${told.join('')}${plural(problems.length, 'problem')}\n`, json };
  }
  const open = command.open.map((one) => `  ${one}\n`).join('');
  const said = open === '' ? '' : `Words in capitals are yours to fill in:\n${open}`;
  return {
    text: `${head}In models/ (docs/models.md), this makes one of it:\n\n${command.line}\n\n${said}`,
    json,
  };
}
