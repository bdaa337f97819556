// `bivdiff compare`: clips beside each other, of rendered jobs or of any program, in figures and as a page to show.

import { resolve } from 'node:path';

import type { Command } from 'commander';

import { BivdiffError } from '../../common/errors.ts';
import { openExistingStore } from '../../common/store/open-store.ts';
import type { Store } from '../../common/store/ports.ts';
import type { ClipModel } from '../compare/clip-model.ts';
import { htmlPlace, placeReport } from '../compare/place-report.ts';
import { camelCase } from '../flags/find-flag.ts';
import { addStoreFlag, storeFolderOf } from '../flags/store-flag.ts';
import { addRenderFlags } from '../flags/render-flags.ts';
import type { TypedFlags } from '../flags/render-flags.ts';
import { EXIT_OK } from '../output/exit-codes.ts';
import { plural } from '../output/format.ts';
import { printJson } from '../terminal.ts';
import type { CliEnvironment } from '../terminal.ts';

const EXAMPLES = `
Examples:
  bivdiff compare out/a.mp4 out/b.mp4 --html out/compare.html
  bivdiff compare before=out/drawn/ after=out/smooth.mp4
  bivdiff compare 3f2a90c1 8d01b7e2 --html out/compare.html
  bivdiff compare sweep/ --html out/sweep.html
  bivdiff compare --baselines --html out/baselines.html
  bivdiff compare --baselines --python .venv/bin/python --html out/baselines.html

A clip is a video, a folder of pictures, a job of the store (its id, or the first digits of it), a report that render wrote, or the
folder of a sweep, which stands for all its jobs. NAME=CLIP gives it a name. The first is the reference. Of jobs the control and the
frames before smoothing are shown too, and a single job is compared with those. All must have one size and number of frames.`;

/** Flags that only `--baselines` has a use for: of a render, and of its own. */
const BASELINE_FLAGS = ['steps', 'slots', 'threads', 'quiet'] as const;
const OWN_BASELINE_FLAGS = ['python', 'tune-steps'] as const;
const BASELINE_DOCS = {
  steps: "With --baselines: steps of everything (default: the spec's, else the models' own)",
  slots: 'With --baselines: tasks at once (default: 1)',
  threads: 'With --baselines: threads of each slot (default: cores / slots)',
  quiet: 'With --baselines: no progress',
};

/** Adds the command. `finish` takes the exit code. */
export function addCompareCommand(
  program: Command,
  environment: CliEnvironment,
  finish: (exitCode: number) => void,
): void {
  const command = program
    .command('compare')
    .summary('Compare clips')
    .description(
      'Compare rendered jobs or any clips: flicker, fidelity to the control, drift; as a table, and as a page to show',
    )
    .argument('[clip...]', 'Videos, folders of pictures, jobs, reports, folders of sweeps');
  addStoreFlag(command)
    .option('--html <FILE>', 'Write a page with all clips in it, which needs nothing else')
    .option('--title <TEXT>', 'Title of the page')
    .option(
      '--clip <DIR>',
      'A CLIP in ONNX, as optimum-cli export onnx writes it: frame consistency and text alignment too',
    )
    .option('--prompt <TEXT>', 'What files show, for text alignment; jobs have their own')
    .option('--overwrite', 'Replace the page if something else is there')
    .option('--json', 'Print one JSON object on stdout')
    .option(
      '--baselines',
      'Render spec files (default: the examples that ship) by BIVDiff and by what it is compared with, and compare these',
    )
    .option(
      '--python <PATH>',
      'With --baselines: a Python that has models/requirements.txt, which tunes Tune-A-Video on each source (default: $BIVDIFF_PYTHON, else that is left out)',
    )
    .option(
      '--tune-steps <N>',
      'With --python: steps of that tuning (default: 400, a minute and a half of one core)',
    );
  addRenderFlags(command, { only: BASELINE_FLAGS, docs: BASELINE_DOCS })
    .addHelpText('after', EXAMPLES)
    .action(async (words: string[], typed: TypedFlags) => {
      if (typed['baselines'] === true) await baselines(words, typed, environment);
      else await compare(words, typed, environment);
      finish(EXIT_OK);
    });
}

async function baselines(
  specs: readonly string[],
  typed: TypedFlags,
  environment: CliEnvironment,
): Promise<void> {
  const htmlPath = await htmlPlace(typed['html'], environment.folder);
  const { compareWithBaselines } = await import('./compare-baselines.ts');
  await using model = await clipOf(typed, environment);
  await compareWithBaselines(specs, { typed, htmlPath, model }, environment);
}

/** What `--clip` names, loaded. */
async function clipOf(
  { clip }: TypedFlags,
  { folder, cores }: CliEnvironment,
): Promise<ClipModel | undefined> {
  if (typeof clip !== 'string') return undefined;
  const { openClip } = await import('../compare/clip-model.ts');
  return openClip(resolve(folder, clip), cores);
}

async function compare(
  words: readonly string[],
  typed: TypedFlags,
  environment: CliEnvironment,
): Promise<void> {
  const needless = [...BASELINE_FLAGS, ...OWN_BASELINE_FLAGS].filter(
    (flag) => typed[camelCase(flag)] !== undefined,
  );
  const problems = [
    ...(words.length === 0 ? ['no clip is named; the first is the reference'] : []),
    ...needless.map((flag) => `--${flag}: is for --baselines, which renders`),
  ];
  if (problems.length > 0) {
    throw new BivdiffError('invalid-argument', problems.join('; '), {
      hint: 'bivdiff compare --help shows examples.',
      details: { problems },
    });
  }
  const html = await htmlPlace(typed['html'], environment.folder);
  // The codecs take a while to load, which no other command shall wait for.
  const [{ createMediaService }, { findSubjects }, { readClips }, compared] = await Promise.all([
    import('../../workers/media/media-service.ts'),
    import('../compare/subjects.ts'),
    import('../compare/read-clips.ts'),
    import('../compare/compared.ts'),
  ]);
  const signal = environment.interruption();
  await using model = await clipOf(typed, environment);
  await using media = createMediaService();
  await using store = lazyStore(storeFolderOf(typed, environment));
  const sources = { media, signal, folder: environment.folder, openStore: store.open };
  try {
    const subjects = await findSubjects(words, sources);
    const { clips, reference } = await readClips(subjects, sources, typed['prompt']);
    const comparison = await compared.compareClips(clips, reference, { signal, model });
    if (html !== undefined) {
      const title = typeof typed['title'] === 'string' ? typed['title'] : titleOf(clips.length);
      const report = await compared.reportOf(comparison, { title });
      await placeReport(html, report, { overwrite: typed['overwrite'] === true });
    }
    if (typed['json'] === true) {
      printJson(environment.stdout, compared.comparisonJson(comparison, html));
      return;
    }
    const text = compared.comparisonText(comparison);
    environment.stdout.write(`${text}${html === undefined ? '' : `\n${html}\n`}`);
  } catch (reason) {
    if (!signal.aborted) throw reason;
    throw new BivdiffError('cancelled', 'stopped; nothing was written', { cause: reason });
  }
}

function titleOf(clips: number): string {
  return `${plural(clips, 'clip')} side by side`;
}

/** Opened when it is first asked for: files need none. */
function lazyStore(folder: string): { readonly open: () => Promise<Store> } & AsyncDisposable {
  let opened: Promise<Store> | undefined;
  return {
    open: () => (opened ??= openExistingStore(folder)),
    [Symbol.asyncDispose]: async () => {
      const store = await opened?.catch(() => undefined);
      await store?.close();
    },
  };
}
