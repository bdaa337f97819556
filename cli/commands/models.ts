// `bivdiff models list|check`: what a folder of models holds, whether all of it is there and fits together.

import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

import type { Command } from 'commander';

import { inspectModelSet } from '../../common/models/model-folder.ts';
import type { ModelSetReport } from '../../common/models/model-folder.ts';
import type { ModelPart, ModelSet } from '../../common/models/model-set.ts';
import { readOnnxFile } from '../../common/models/onnx-file.ts';
import { findSetFolders } from '../../common/models/set-folders.ts';
import { describeForeign } from '../foreign/describe.ts';
import { NOTHING, checkModelSet } from '../local/check-models.ts';
import type { ModelFinding, ModelFindings } from '../local/check-models.ts';
import { EXIT_OK, EXIT_USAGE } from '../output/exit-codes.ts';
import { formatBytes, formatTable, plural } from '../output/format.ts';
import { printJson } from '../terminal.ts';
import type { CliEnvironment } from '../terminal.ts';

interface ModelFlags {
  readonly json?: boolean;
}

/** Adds the commands. `finish` takes the exit code. */
export function addModelsCommands(
  program: Command,
  environment: CliEnvironment,
  finish: (exitCode: number) => void,
): void {
  const models = program
    .command('models')
    .summary('Look at folders of models')
    .description('Look at folders of models: what they hold, what they lack');
  models
    .command('list')
    .description('List what a folder of models holds: parts, sizes, digests, defaults')
    .argument('[dir]', 'Folder of models, or of several such (default: every set that ships)')
    .option('--json', 'Print one JSON object on stdout')
    .action(async (folder: string | undefined, flags: ModelFlags) =>
      finish(await listModels(folder, flags, environment)),
    );
  models
    .command('check')
    .description(
      'Check a folder of models: read every file, load every graph, tell all that is wrong; of models that others made, the command that makes a set of them',
    )
    .argument(
      '<dir>',
      'Folder of models, or the name of a set that ships; or a folder or file of weights, as downloaded',
    )
    .option('--json', 'Print one JSON object on stdout')
    .addHelpText(
      'after',
      '\nExamples:\n  bivdiff models check /models/sd15-zeroscope\n  bivdiff models check /weights/stable-diffusion-v1-5',
    )
    .action(async (folder: string, flags: ModelFlags) =>
      finish(await checkModels(folder, flags, environment)),
    );
}

async function listModels(
  folder: string | undefined,
  flags: ModelFlags,
  environment: CliEnvironment,
): Promise<number> {
  const place = folder === undefined ? environment.modelsFolder : folderOf(folder, environment);
  const sets = await findSetFolders(place).catch(() => new Map<string, string>());
  // What holds no set is looked at as one: that tells what it lacks.
  const folders = sets.size === 0 ? [place] : [...sets.values()];
  const reports: ModelSetReport[] = [];
  for (const one of folders) reports.push(await inspectModelSet(one));
  if (flags.json === true) {
    printJson(environment.stdout, { sets: reports.map((report) => reportJson(report, NOTHING)) });
  } else {
    environment.stdout.write(reports.map(reportText).join('\n'));
  }
  return reports.every(({ problems }) => problems.length === 0) ? EXIT_OK : EXIT_USAGE;
}

async function checkModels(
  folder: string,
  flags: ModelFlags,
  environment: CliEnvironment,
): Promise<number> {
  const place = folderOf(folder, environment);
  if (!existsSync(join(place, 'card.json'))) return tellForeign(place, flags, environment);
  // Nothing remembered: a check reads every byte.
  const report = await inspectModelSet(place, { cacheFolder: false });
  const findings = report.set === undefined ? NOTHING : await checkModelSet(report.set);
  const { problems, warnings } = findings;
  const count = report.problems.length + problems.length;
  if (flags.json === true) {
    printJson(environment.stdout, reportJson(report, findings));
  } else {
    const notes = report.set === undefined ? ' (graphs are loaded once nothing is missing)' : '';
    const told = [
      ...problems.map((one) => findingText('problem', one)),
      ...warnings.map((one) => findingText('warning', one)),
    ];
    const sound =
      warnings.length === 0 ? 'all sound' : `sound; ${plural(warnings.length, 'warning')}`;
    environment.stdout.write(reportText(report) + told.join(''));
    environment.stdout.write(`${count === 0 ? sound : `${plural(count, 'problem')}${notes}`}\n`);
  }
  return count === 0 ? EXIT_OK : EXIT_USAGE;
}

/** What the models are, if they are no set: never what a render takes as it is. */
async function tellForeign(
  place: string,
  flags: ModelFlags,
  environment: CliEnvironment,
): Promise<number> {
  const { text, json } = await describeForeign(place);
  if (flags.json === true) printJson(environment.stdout, json);
  else environment.stdout.write(text);
  return EXIT_USAGE;
}

/** A set that ships, by name, unless there is such a folder here. */
function folderOf(folder: string, environment: CliEnvironment): string {
  return folder.includes('/') || folder.startsWith('.')
    ? resolve(environment.folder, folder)
    : join(environment.modelsFolder, folder);
}

function reportJson(report: ModelSetReport, found: ModelFindings): object {
  const { folder, name, parts, problems, set } = report;
  return {
    set: basename(folder),
    folder,
    name: name ?? null,
    sound: problems.length + found.problems.length === 0,
    parts: parts.map((part) => ({
      name: part.name,
      digest: part.digest,
      bytes: part.bytes,
      files: part.files,
      form: formOf(part) ?? null,
    })),
    problems: [
      ...problems,
      ...found.problems.map(({ part, what, hint }) => ({
        part,
        problem: what,
        hint: hint ?? null,
      })),
    ],
    warnings: found.warnings.map(({ part, what, hint }) => ({
      part,
      warning: what,
      hint: hint ?? null,
    })),
    ...(set === undefined
      ? {}
      : {
          generators: Object.values(set.generators).map(({ name: generator, task, method }) => ({
            name: generator,
            task,
            method: method ?? null,
          })),
          annotators: Object.values(set.annotators).map(({ name: annotator, kind }) => ({
            name: annotator,
            kind,
          })),
          videos: Object.values(set.videos).map(({ name: video, window, windowMax, ...own }) => ({
            name: video,
            window,
            windowMax: windowMax ?? null,
            defaults: own.defaults ?? {},
          })),
          defaultVideo: set.defaultVideo,
          defaults: set.defaults,
          sizeMultiple: set.sizeMultiple,
        }),
  };
}

function reportText(report: ModelSetReport): string {
  const { folder, name, parts, problems, set } = report;
  // First what `--models` takes: the folder's name, which need not be the card's.
  const lines = [`${basename(folder)}  ${folder}  (${name ?? 'no card'})\n`];
  if (parts.length > 0) {
    const rows = parts.map((part) => [part.name, formatBytes(part.bytes), part.digest]);
    lines.push(indent(formatTable(['part', 'size', 'digest'], rows)));
  }
  lines.push(indent(formsText(parts)));
  if (set !== undefined) lines.push(indent(settingsText(set)));
  for (const { part, path, problem, hint } of problems) {
    lines.push(`problem: ${part}: ${path} ${problem}\n  hint: ${hint}\n`);
  }
  return lines.join('');
}

/** Of graphs that do not compute in float32 with weights as stored; nothing if there are none. */
function formsText(parts: readonly ModelPart[]): string {
  const byForm = Map.groupBy(parts, formOf);
  byForm.delete(undefined);
  return [...byForm]
    .map(([form, of]) => `${form} graphs: ${of.map(({ name }) => name).join(', ')}\n`)
    .join('');
}

function formOf({ graph }: ModelPart): string | undefined {
  return graph === undefined ? undefined : readOnnxFile(graph).form;
}

function settingsText({
  generators,
  annotators,
  videos,
  defaultVideo,
  defaults,
  sizeMultiple,
}: ModelSet): string {
  const drawn = Object.values(generators).map(({ name, task, method }) => {
    return `${name} (task ${task}${method === undefined ? '' : `, method ${method}`})`;
  });
  const seen = Object.values(annotators).map(({ name, kind }) => `${name} (${kind})`);
  const windows = Object.values(videos).map(({ name, window, windowMax, defaults: own = {} }) => {
    const facts = [
      `window ${window}${windowMax === undefined ? '' : ` of at most ${windowMax}`}`,
      ...(own.videoGuidanceScale === undefined ? [] : [`video guidance ${own.videoGuidanceScale}`]),
      ...(own.mixingRatio === undefined ? [] : [`mixing ratio ${own.mixingRatio}`]),
      ...(name === defaultVideo ? ['default'] : []),
    ];
    return `${name} (${facts.join(', ')})`;
  });
  return [
    `generators: ${drawn.join(', ') || 'none'}\n`,
    seen.length === 0 ? '' : `annotators: ${seen.join(', ')}\n`,
    `video models: ${windows.join(', ')}\n`,
    `defaults: ${defaults.width}x${defaults.height}, ${plural(defaults.steps, 'step')}, guidance ${defaults.guidanceScale}, `,
    `video guidance ${defaults.videoGuidanceScale}, mixing ratio ${defaults.mixingRatio}, ${defaults.sampler}, inversion ${defaults.inversion}\n`,
    `sizes: multiples of ${sizeMultiple}\n`,
  ].join('');
}

function findingText(kind: 'problem' | 'warning', { part, what, hint }: ModelFinding): string {
  const place = what.includes(part) ? '' : `${part}: `;
  return `${kind}: ${place}${what}\n${hint === undefined ? '' : `  hint: ${hint}\n`}`;
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}
