// `bivdiff models list|check`: what a folder of models holds, whether all of it is there and fits together.

import { basename, join, resolve } from 'node:path';

import type { Command } from 'commander';

import { BivdiffError } from '../../common/errors.ts';
import { inspectModelSet } from '../../common/models/model-folder.ts';
import type { ModelSetReport } from '../../common/models/model-folder.ts';
import type { ModelPart, ModelSet } from '../../common/models/model-set.ts';
import { findSetFolders } from '../../common/models/set-folders.ts';
import type { GraphKind } from '../../workers/inference/graph-kind.ts';
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
      'Check a folder of models: read every file, load every graph, tell all that is wrong',
    )
    .argument('<dir>', 'Folder of models, or the name of a set that ships')
    .option('--json', 'Print one JSON object on stdout')
    .addHelpText('after', '\nExamples:\n  bivdiff models check /models/sd15-zeroscope')
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
    printJson(environment.stdout, { sets: reports.map((report) => reportJson(report, [])) });
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
  // Nothing remembered: a check reads every byte.
  const report = await inspectModelSet(folderOf(folder, environment), { cacheFolder: false });
  const graphs = report.set === undefined ? [] : await checkGraphs(report.set);
  const count = report.problems.length + graphs.length;
  if (flags.json === true) {
    printJson(environment.stdout, reportJson(report, graphs));
  } else {
    const notes = report.set === undefined ? ' (graphs are loaded once nothing is missing)' : '';
    environment.stdout.write(reportText(report) + graphs.map((one) => graphText(one)).join(''));
    environment.stdout.write(count === 0 ? 'all sound\n' : `${plural(count, 'problem')}${notes}\n`);
  }
  return count === 0 ? EXIT_OK : EXIT_USAGE;
}

/** A set that ships, by name, unless there is such a folder here. */
function folderOf(folder: string, environment: CliEnvironment): string {
  return folder.includes('/') || folder.startsWith('.')
    ? resolve(environment.folder, folder)
    : join(environment.modelsFolder, folder);
}

interface GraphProblem {
  readonly part: string;
  readonly error: BivdiffError;
}

/** Loads every graph, one at a time, and compares its inputs and outputs with what its role needs. */
async function checkGraphs(set: ModelSet): Promise<GraphProblem[]> {
  const { checkGraphContract } = await import('../../workers/inference/graph-contract.ts');
  const { openOnnxSession } = await import('../../workers/inference/onnx/onnx-session.ts');
  const problems: GraphProblem[] = [];
  for (const { part, kind } of await graphRoles(set)) {
    if (part.graph === undefined) continue;
    try {
      const session = await openOnnxSession({ name: part.name, graph: part.graph, threads: 1 });
      try {
        checkGraphContract(session, kind, part.config);
      } finally {
        await session.release();
      }
    } catch (reason) {
      problems.push({ part: part.name, error: BivdiffError.from(reason, `loading ${part.name}`) });
    }
  }
  return problems;
}

interface GraphRole {
  readonly part: ModelPart;
  readonly kind: GraphKind;
}

async function graphRoles({ image, generators, videos }: ModelSet): Promise<GraphRole[]> {
  const kinds = await import('../../workers/inference/graph-contract.ts');
  const { findBody } = await import('../../recipes/lane-stages.ts');
  const roles: GraphRole[] = [
    { part: image.textEncoder, kind: kinds.TEXT_ENCODER },
    { part: image.unet, kind: kinds.IMAGE_UNET },
    { part: image.vaeEncoder, kind: kinds.VAE_ENCODER },
    { part: image.vaeDecoder, kind: kinds.VAE_DECODER },
  ];
  if (image.unetInflated !== undefined) {
    roles.push({ part: image.unetInflated, kind: kinds.INFLATED_UNET });
  }
  for (const { task, unet, textEncoder } of Object.values(generators)) {
    const body = findBody(task);
    if (body !== undefined) roles.push({ part: unet, kind: body.unet });
    if (textEncoder !== image.textEncoder) {
      roles.push({ part: textEncoder, kind: kinds.TEXT_ENCODER });
    }
  }
  for (const video of Object.values(videos)) {
    roles.push({ part: video.textEncoder, kind: kinds.TEXT_ENCODER });
    roles.push({ part: video.unet, kind: kinds.CLIP_UNET });
  }
  return roles;
}

function reportJson(report: ModelSetReport, graphs: readonly GraphProblem[]): object {
  const { folder, name, parts, problems, set } = report;
  return {
    set: basename(folder),
    folder,
    name: name ?? null,
    sound: problems.length + graphs.length === 0,
    parts: parts.map((part) => ({
      name: part.name,
      digest: part.digest,
      bytes: part.bytes,
      files: part.files,
    })),
    problems: [
      ...problems,
      ...graphs.map(({ part, error }) => ({
        part,
        problem: error.message,
        hint: error.hint ?? null,
      })),
    ],
    ...(set === undefined
      ? {}
      : {
          generators: Object.values(set.generators).map(({ name: generator, task }) => ({
            name: generator,
            task,
          })),
          videos: Object.values(set.videos).map(({ name: video, window }) => ({
            name: video,
            window,
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
  if (set !== undefined) lines.push(indent(settingsText(set)));
  for (const { part, path, problem, hint } of problems) {
    lines.push(`problem: ${part}: ${path} ${problem}\n  hint: ${hint}\n`);
  }
  return lines.join('');
}

function settingsText({
  generators,
  videos,
  defaultVideo,
  defaults,
  sizeMultiple,
}: ModelSet): string {
  const drawn = Object.values(generators).map(({ name, task }) => `${name} (task ${task})`);
  const windows = Object.values(videos).map(({ name, window }) => {
    return `${name} (window ${window}${name === defaultVideo ? ', default' : ''})`;
  });
  return [
    `generators: ${drawn.join(', ') || 'none'}\n`,
    `video models: ${windows.join(', ')}\n`,
    `defaults: ${defaults.width}x${defaults.height}, ${plural(defaults.steps, 'step')}, guidance ${defaults.guidanceScale}, `,
    `video guidance ${defaults.videoGuidanceScale}, mixing ratio ${defaults.mixingRatio}, ${defaults.sampler}, inversion ${defaults.inversion}\n`,
    `sizes: multiples of ${sizeMultiple}\n`,
  ].join('');
}

function graphText({ error }: GraphProblem): string {
  return `problem: ${error.message}\n${error.hint === undefined ? '' : `  hint: ${error.hint}\n`}`;
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}
