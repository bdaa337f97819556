// `bivdiff store du|gc|verify`: how large the store is, what can go, whether it is sound.

import type { Command } from 'commander';

import { BivdiffError } from '../../common/errors.ts';
import { openExistingStore } from '../../common/store/open-store.ts';
import type { Store, StoreUpkeep } from '../../common/store/ports.ts';
import { STAGES } from '../../common/task.ts';
import { formatBytes, formatTable, plural } from '../output/format.ts';
import { EXIT_FAILED, EXIT_OK } from '../output/exit-codes.ts';
import { addStoreFlag, storeFolderOf } from '../flags/store-flag.ts';
import type { TypedFlags } from '../flags/render-flags.ts';
import { findKeptJobs } from '../local/kept-by-gc.ts';
import { printJson } from '../terminal.ts';
import type { CliEnvironment } from '../terminal.ts';

type Finish = (exitCode: number) => void;

/** Adds the commands. `finish` takes the exit code. */
export function addStoreCommands(
  program: Command,
  environment: CliEnvironment,
  finish: Finish,
): void {
  const store = program
    .command('store')
    .summary('Look after the store')
    .description('Look after the store of finished tasks: size, garbage, soundness');
  addStoreFlags(store.command('du').description('Tell how large the store is, by stage')).action(
    async (typed: TypedFlags) => finish(await showUsage(typed, environment)),
  );
  addStoreFlags(store.command('gc'))
    .description(
      'Remove what was neither made nor reused for a while, and no job of a farm needs, and steps of long clips after an hour; renders that need it later make it anew',
    )
    .option('--older-than <TIME>', 'How long unused, such as 12h or 30d', '7d')
    .option('--keep <JOB...>', 'Jobs to keep whole: ids, or their first digits')
    .option('--dry-run', 'Only tell what would go')
    .addHelpText('after', '\nExamples:\n  bivdiff store gc --older-than 30d --dry-run')
    .action(async (typed: TypedFlags & { readonly keep?: string[] }) =>
      finish(await collectGarbage(typed, environment)),
    );
  addStoreFlags(store.command('verify'))
    .description(
      'Read everything; what is damaged is moved aside, and the next render makes it anew',
    )
    .action(async (typed: TypedFlags) => finish(await verify(typed, environment)));
}

function addStoreFlags(command: Command): Command {
  return addStoreFlag(command).option('--json', 'Print one JSON object on stdout');
}

async function showUsage(typed: TypedFlags, environment: CliEnvironment): Promise<number> {
  const folder = storeFolderOf(typed, environment);
  const usage = await withStore(folder, (store) => store.usage());
  if (typed['json'] === true) {
    printJson(environment.stdout, { store: folder, ...usage });
    return EXIT_OK;
  }
  const areas = ['artifacts', 'records', 'documents', 'quarantine'] as const;
  const total = areas.reduce((sum, area) => sum + usage[area].bytes, 0);
  const stages = STAGES.flatMap((stage) => {
    const one = usage.byStage[stage];
    return one === undefined ? [] : [[stage, one.records, formatBytes(one.bytes)]];
  });
  environment.stdout.write(
    [
      `${folder}: ${formatBytes(total)}\n\n`,
      formatTable(
        ['what', 'count', 'size'],
        areas.map((area) => [area, usage[area].count, formatBytes(usage[area].bytes)]),
      ),
      stages.length === 0 ? '' : `\n${formatTable(['stage', 'results', 'size'], stages)}`,
      usage.steps.records === 0
        ? ''
        : `\nOf these, ${plural(usage.steps.records, 'step')} of windows: ${formatBytes(usage.steps.bytes)}. Only renders that go on from them read them; \`store gc\` takes them after an hour.\n`,
    ].join(''),
  );
  return EXIT_OK;
}

async function collectGarbage(
  typed: TypedFlags & { readonly keep?: readonly string[] },
  environment: CliEnvironment,
): Promise<number> {
  const folder = storeFolderOf(typed, environment);
  const minAgeMs = parseAge(String(typed['olderThan']));
  const dryRun = typed['dryRun'] === true;
  const result = await withStore(folder, async (store) => {
    const kept = await findKeptJobs(store, typed.keep ?? []);
    return store.collectGarbage({
      keepRecords: (taskId) => kept.tasks.has(taskId),
      keepArtifacts: (digest) => kept.artifacts.has(digest),
      minAgeMs,
      nowMs: Date.now(),
      dryRun,
    });
  });
  if (typed['json'] === true) {
    printJson(environment.stdout, { store: folder, dryRun, ...result });
    return EXIT_OK;
  }
  const verb = dryRun ? 'would go' : 'removed';
  environment.stdout.write(
    `${verb}: ${plural(result.removedRecords, 'result')} and ${plural(result.removedArtifacts, 'artifact')}, ` +
      `${formatBytes(result.freedBytes)}; ${result.keptTooYoung} used too lately\n`,
  );
  return EXIT_OK;
}

async function verify(typed: TypedFlags, environment: CliEnvironment): Promise<number> {
  const folder = storeFolderOf(typed, environment);
  const signal = environment.interruption();
  const result = await withStore(folder, (store) => store.verify({ signal }));
  const { problems } = result;
  if (typed['json'] === true) {
    printJson(environment.stdout, { store: folder, ...result });
  } else {
    for (const { kind, what, taskIds } of problems) {
      const tasks =
        taskIds.length === 0 ? '' : ` (${plural(taskIds.length, 'task')} will run again)`;
      environment.stdout.write(`${kind.replace('-', ' ')}: ${what}${tasks}\n`);
    }
    environment.stdout.write(
      `${plural(result.checkedArtifacts, 'artifact')} and ${plural(result.checkedRecords, 'result')} read, ` +
        `${problems.length === 0 ? 'all sound' : plural(problems.length, 'problem')}\n`,
    );
  }
  return problems.length === 0 ? EXIT_OK : EXIT_FAILED;
}

async function withStore<T>(
  folder: string,
  work: (store: Store & StoreUpkeep) => Promise<T>,
): Promise<T> {
  const store = await openExistingStore(folder);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

const MS_BY_UNIT: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `90s`, `30m`, `12h`, `7d` in milliseconds. @throws invalid-argument */
export function parseAge(text: string): number {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? [];
  const factor = MS_BY_UNIT[unit];
  if (factor !== undefined) return Number(amount) * factor;
  throw new BivdiffError('invalid-argument', `--older-than: expected a time, got "${text}"`, {
    hint: 'Write a number and s, m, h or d, such as 12h or 30d.',
  });
}
