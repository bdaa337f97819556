// `npm run pictures`: makes the pictures of docs/tasks.md anew, by the commands that stand there before each, with more steps. With names
// (`npm run pictures -- instruct-pix2pix`) these alone. A store of its own in out/pictures keeps what an earlier run has computed.

import { spawnSync } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import sharp from 'sharp';

import { docPictures } from './pictures/doc-pictures.ts';
import type { DocPicture } from './pictures/doc-pictures.ts';

const STEPS = '20';
/** Of WebP, 0..100: a contact sheet of three rows of eight frames has some 30 kB. */
const QUALITY = 85;

const root = join(import.meta.dirname, '..');
const folder = join(root, 'out/pictures');
const all = docPictures(await readFile(join(root, 'docs/tasks.md'), 'utf8'));
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => all.every((picture) => picture.name !== name));
if (unknown.length > 0) {
  console.error(
    `no picture ${unknown.join(', ')}; there are ${all.map((one) => one.name).join(', ')}`,
  );
  process.exitCode = 2;
} else {
  await mkdir(folder, { recursive: true });
  for (const picture of all.filter(({ name }) => asked.length === 0 || asked.includes(name))) {
    if (!(await make(picture))) {
      process.exitCode = 1;
      break;
    }
  }
}

/** Whether its commands did what they should. */
async function make({ name, commands }: DocPicture): Promise<boolean> {
  const sheet = join(folder, `${name}.png`);
  for (const [index, words] of commands.entries()) {
    const isLast = index === commands.length - 1;
    // A sweep has a sheet in its folder, whatever is asked.
    const own = isLast && words[0] === 'render' ? ['--contact-sheet', sheet] : [];
    const more = ['--steps', STEPS, '--store', join(folder, 'store'), '--overwrite', ...own];
    const given = without(words, more);
    console.log(`${name}: bin/bivdiff ${[...given, ...more].join(' ')}`);
    const run = spawnSync(join(root, 'bin/bivdiff'), [...given, ...more], {
      ...{ cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
    });
    if (run.status !== 0) return false;
  }
  const swept = commands.at(-1)!;
  const made =
    swept[0] === 'sweep'
      ? join(root, swept[swept.indexOf('--output') + 1]!, 'contact-sheet.png')
      : sheet;
  const { size } = await sharp(made)
    .webp({ quality: QUALITY, effort: 6 })
    .toFile(join(root, 'docs/pictures', `${name}.webp`));
  console.log(`docs/pictures/${name}.webp: ${Math.ceil(size / 1000)} kB`);
  return true;
}

/** The words but for flags that `more` has too, each with its value. */
function without(words: readonly string[], more: readonly string[]): readonly string[] {
  return words.filter((word, index) => {
    const isFlag = (one: string | undefined): boolean =>
      one !== undefined && one.startsWith('--') && more.includes(one);
    return !isFlag(word) && !isFlag(words[index - 1]);
  });
}
