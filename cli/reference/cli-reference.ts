// docs/cli.md, made from the command table. A test holds the file to it.

import type { Argument, Command, Option } from 'commander';

import { RENDER_FLAGS } from '../flags/flag-table.ts';
import { findFlag } from '../flags/find-flag.ts';
import { describeFlag } from '../flags/render-flags.ts';

const HEAD = `# The command line

<!-- Made from the command table in cli/; \`npm run generate\` writes it anew. -->

Results go to stdout, all else to stderr. Every command that prints facts takes \`--json\`: one object on stdout; a failure is
\`{"error": {"code", "message", "hint", ...}}\`.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | tried, and failed (of a batch: at least one line) |
| 2 | something in the command, its files or folders is wrong, and the same command fails again. Nothing was rendered; or an output exists and differs, which shows only once it is rendered: it is kept in the store, and \`--overwrite\` puts it in place |
| 130 | stopped by Ctrl-C or SIGTERM; run the same command again to go on |

| environment variable | meaning |
|---|---|
| \`BIVDIFF_STORE\` | the store: a folder or \`s3://BUCKET/PREFIX\`; \`--store\` goes before it; without either it is \`.bivdiff/store\` in the working folder |
| \`AWS_ENDPOINT_URL_S3\`, \`AWS_ACCESS_KEY_ID\`, \`AWS_SECRET_ACCESS_KEY\`, \`AWS_REGION\`, … | for a store on S3, as the AWS tools take them; the first names a server that is not AWS |
| \`BIVDIFF_DEBUG\` | when set, errors come with stacks |
| \`BIVDIFF_DIGEST_CACHE\` | \`off\`: hash model files at every start |
| \`BIVDIFF_GRAPH_CACHE_GIB\` | how much disk optimised graphs of large models may take, in \`bivdiff/graphs\` of \`$XDG_CACHE_HOME\`, else of \`~/.cache\` (default: 64; 0: none are kept); docs/models.md |
| \`BIVDIFF_PYTHON\` | a Python that has models/requirements.txt, which tunes Tune-A-Video for \`compare --baselines\`; \`--python\` goes before it |
| \`BIVDIFF_SERVER\`, \`BIVDIFF_NATS\` | a farm's coordinator and its NATS server, as \`--server\` and \`--nats\` |
| \`BIVDIFF_TOKEN\` or \`BIVDIFF_TOKEN_FILE\` | the token to show to a coordinator; \`--token-file\` goes before them |
| \`BIVDIFF_TLS_CA\`, \`_CERT\`, \`_KEY\`, \`_CLIENT_CA\` | as \`--tls-ca\` and so on |
| \`BIVDIFF_TOKENS\` | the coordinator's tokens file, as \`--tokens\` |
| \`BIVDIFF_NATS_USER\` and \`BIVDIFF_NATS_PASSWORD\`, or \`BIVDIFF_NATS_CREDENTIALS\` | who the program is at the NATS server; \`--nats-credentials\` goes before them |
| \`BIVDIFF_NATS_TLS_CA\`, \`_CERT\`, \`_KEY\` | as \`--nats-tls-ca\` and so on |
| \`NO_COLOR\`, \`CI\` | no colours; plain lines instead of bars |

## Settings: flags, spec files, batches

Flags go before the spec file, the spec file before the defaults of the models, and these before those of the program. In a batch the lines
go before the flags. Where a spec is read, a flag's name may stand as a key with the value that the flag takes. A path in a file is relative to that file; in one that is piped in (\`/dev/stdin\`), to the working folder.

All problems of a request come in one error, a line each with what to do, and then nothing was written: how values are written and their
ranges, settings that contradict each other, files that are missing or cannot be read (spec, batch, sources, cuts, models), what the sources and
the models show, outputs and a store that cannot be where they shall be. What rests on something that is wrong is not told beside it: of a
video that is not there, nobody says that it is too short. Three things come alone: a flag that there is not, memory that is not enough, which
can only be told of a render that is right, and, with \`--cuts auto\`, what the cuts show that are found. A farm that cannot be reached adds
nothing to what \`submit\` sees itself.

    apiVersion: bivdiff/v1
    task: controlnet
    input: { path: clip.mp4, stride: 4 }
    frames: 8
    size: 128x128
    prompt: a red square
    inversion: { mode: ddim }
    output: { file: out.mp4, framesPerSecond: 8, comparison: true }

A batch is JSONL, one such object a line (\`apiVersion\` may be left out, \`output\` may be just the file), or CSV whose first
line has flag names. Each line names its \`output\`, which \`submit\` does not need. All lines are checked, by a farm's coordinator if it is to run
them, before the first runs; then one that fails does not stop the others.

    {"input": "a.mp4", "task": "controlnet", "prompt": "a red square", "output": "a-out.mp4"}
    {"input": "b.mp4", "task": "controlnet", "prompt": "a blue star", "mixing-ratio": 0.5, "output": "b-out.webm"}

## Outputs

The format follows the ending of \`--output\`: \`.mp4\`, \`.webm\`, \`.mov\`, \`.mkv\`, \`.gif\`; a name without an ending, or with a slash at its end, is a folder that gets
\`frame-000001.png\` and so on. Several formats share an ending, and \`--format\` tells which is meant: \`mp4-hevc\`,
\`mp4-av1\`, \`png16-sequence\`; what each holds is in [media.md](media.md#what-is-written). A symbolic link is followed, and stays.
Outputs appear under their names when all of them are complete. One that exists and has the same bytes
is left; one that differs is refused without \`--overwrite\`. Reports and traces of earlier runs are replaced.
Two outputs of one name, or one inside another, are refused before anything runs.

\`bivdiff fetch\` takes the same names: an ending that is not of the job's format is refused before anything is written.
\`fetch --frames DIR\` numbers frames by their place in the whole clip, an output's folder counts from its own first: of a job of
\`--frames 60-89/512\`, the first is \`frame-000061.png\` in DIR, and \`frame-000001.png\` in \`--output DIR/\`.

\`render --json\` prints, and \`--report\` writes:

| key | what it holds |
|---|---|
| \`job\` | id of the job: SHA-256 over everything that can change its result |
| \`outputs\` | for each file: \`layout\`, \`format\`, \`path\`, \`bytes\`, \`sha256\` |
| \`sha256\` | the video's; of a PNG folder that of what \`sha256sum *.png\` prints in it |
| \`metrics\` | \`flicker\`, \`seamRatio\`, \`edgeF1\`, \`depthCorrelation\` and \`jointPck\` (each \`generated\`, \`smoothed\`), \`drift\`, \`driftError\` (of \`flicker\`, \`edgeF1\`, \`drift\`); \`null\` where there is nothing to measure: [metrics.md](metrics.md) |
| \`tasks\` | \`run\`, \`reused\`, and both \`byStage\` |
| \`seconds\` | by stage: wall time of the tasks that ran, summed |
| \`secondsPerFrame\` | wall time of all tasks by the frames: GPU-seconds a frame, where workers have one GPU and one slot each; \`null\` where some tasks had run before |
| \`wallSeconds\` | from start to end |
| \`store\` | the store's folder |
| \`manifest\` | what made the outputs: the job with all digests, costs, versions |

\`render --batch --json\` prints \`jobs\` (the same of each line, with \`origin\`) and \`failed\`. \`sweep --json\` prints \`tasks\`, \`seconds\` and \`wallSeconds\`
of the whole sweep and \`rows\`, one for each value.

The seconds that \`list\`, \`get\` and \`watch\` show of a farm's job (\`seconds\` with \`--json\`) are those in which it was running, waiting for
workers included, over all its runs since it was submitted last: not those in which it was queued or paused, or no coordinator was there. Of a
run whose coordinator ended before the job did, the seconds up to the last result that it left in the store count.
Of a job with cuts, \`get\` and \`watch\` show where its shots begin, as \`plan\` does: with \`--json\`, \`shots\` has their \`count\` and the \`firstFrames\` of
the first 256.

\`workers\` shows as RUNS how many of a worker's slots have a task. With \`--json\`, \`running\` names all tasks that it has in hand, which may be
more: one that is gathered before a slot is free for it, and those whose results are being stored.
`;

/** The text of docs/cli.md. */
export function cliReference(program: Command): string {
  const sections = program.commands.flatMap((command) => commandSections(command, 'bivdiff'));
  return [HEAD, ...sections].join('\n');
}

function commandSections(command: Command, parent: string): string[] {
  const name = `${parent} ${command.name()}`;
  if (command.commands.length > 0) {
    return command.commands.flatMap((sub) => commandSections(sub, name));
  }
  const operands = command.registeredArguments.map(operandText).join('');
  const lines = [`## ${name}${operands}`, '', command.description(), ''];
  const shared = command.options.filter(isOfRender);
  const hasSpec = shared.length > RENDER_FLAGS.length / 2;
  const hasRenderFlags = hasSpec && command.name() !== 'render';
  const shown = hasRenderFlags
    ? command.options.filter((one) => !isOfRender(one))
    : command.options;
  if (hasRenderFlags)
    lines.push(sameFlags(command, shared) + (shown.length > 0 ? ', and these:' : '.'), '');
  const groups = Map.groupBy(shown, (option) => option.helpGroupHeading ?? '');
  for (const [group, options] of groups) {
    lines.push(
      `| ${group === '' ? 'flag' : group.replace(/:$/, '').toLowerCase()} | |`,
      '|---|---|',
    );
    lines.push(...options.map((one) => optionRow(one, { hasSpec })), '');
  }
  return [lines.join('\n')];
}

/** Whether an option says just what it says of `bivdiff render`. */
function isOfRender(option: Option): boolean {
  const flag = findFlag(option.long?.slice(2) ?? '');
  return flag !== undefined && option.description === describeFlag(flag);
}

/** `--batch` is render's too, and in no table of flags. */
function sameFlags(command: Command, shared: readonly Option[]): string {
  const having = [...shared, ...command.options].map(({ long }) => long);
  const all = ['batch', ...RENDER_FLAGS.map(({ name }) => name)];
  const missing = all.filter((name) => !having.includes(`--${name}`));
  if (missing.length === 0) return 'The flags of `bivdiff render`';
  const names = missing.map((name) => `\`--${name}\``);
  return `The flags of \`bivdiff render\` without ${names.join(', ')}`;
}

function operandText(argument: Argument): string {
  return argument.required ? ` <${argument.name()}>` : ` [${argument.name()}]`;
}

/** `hasSpec`: the command's flags are settings of a spec. */
function optionRow(option: Option, { hasSpec }: { readonly hasSpec: boolean }): string {
  const flag = RENDER_FLAGS.find((one) => `--${one.name}` === option.long);
  const field = !hasSpec || flag?.field === undefined ? '' : `; \`${flag.field}\` in a spec`;
  const fallback: unknown = option.defaultValue;
  const given = typeof fallback === 'string' ? ` (default: ${fallback})` : '';
  const cells = [`\`${option.flags}\``, `${option.description}${given}${field}`];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
