// The command line as a whole, run in this process without a farm: help, mistakes, completion, the reference.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';

import { RENDER_FLAGS } from '../../../cli/flags/flag-table.ts';
import { factsOfField } from '../../../cli/flags/flag-facts.ts';
import { createProgram, runCommandLine } from '../../../cli/program.ts';
import { cliReference } from '../../../cli/reference/cli-reference.ts';
import { createSampleEnvironment } from './sample-environment.ts';

async function run(...words: string[]) {
  const environment = createSampleEnvironment();
  const code = await runCommandLine(words, environment);
  return { code, ...environment.written };
}

describe('help', () => {
  it('lists the commands with examples', async () => {
    for (const words of [[], ['--help'], ['-h']]) {
      const { code, stdout, stderr } = await run(...words);
      expect(code).toBe(0);
      expect(stderr).toBe('');
      expect(stdout).toContain('Examples:');
      for (const name of ['render', 'plan', 'sweep', 'models', 'store', 'doctor', 'completion']) {
        expect(stdout).toContain(`  ${name}`);
      }
    }
  });

  it('of render has every flag with its range', async () => {
    const { stdout } = await run('render', '--help');
    for (const { name } of RENDER_FLAGS) expect(stdout).toContain(`--${name}`);
    const frames = 'Frames to render; A-B/N: of N of them frames A to B alone';
    const range = 'from 0, both among them (1 to 1000000; default: 8)';
    for (const text of [frames, range]) expect(stdout.replace(/\s+/g, ' ')).toContain(text);
    expect(stdout).toContain('--batch <FILE>');
  });
});

/** Every text of a command and of those below it that help shows, behind where it stands. */
function helpTexts(command: Command, parent = ''): (readonly [where: string, text: string])[] {
  const name = `${parent}${command.name()}`;
  const summary = command.summary();
  return [
    [name, command.description()] as const,
    ...(summary === '' ? [] : [[`${name} (summary)`, summary] as const]),
    ...command.options.map((one) => [`${name} ${one.flags}`, one.description] as const),
    ...command.registeredArguments.map(
      (one) => [`${name} <${one.name()}>`, one.description] as const,
    ),
    ...command.commands.flatMap((sub) => helpTexts(sub, `${name} `)),
  ];
}

describe('help texts', () => {
  it('are one sentence each, with a capital and without a full stop', () => {
    const program = createProgram(createSampleEnvironment(), () => undefined);
    const texts = helpTexts(program);
    expect(texts.map(([where]) => where)).toEqual(
      expect.arrayContaining(['bivdiff', 'bivdiff store gc', 'bivdiff watch <job>']),
    );
    const odd = texts.filter(([, text]) => !/^[A-Z]/.test(text) || /\.(\s+[A-Z]|$)/.test(text));
    expect(odd).toEqual([]);
  });
});

describe('a mistake', () => {
  it.each([
    [['rendr'], "unknown command 'rendr'", 'Did you mean render?'],
    [['render', '--promt', 'x'], "unknown option '--promt'", 'Did you mean --prompt?'],
    [['store', 'dux'], "unknown command 'dux'", 'Did you mean du?'],
    [['completion', 'bsh'], 'no completion for the shell "bsh"', 'Did you mean bash?'],
    [['store', 'gc', '--older-than', 'soon', '--store', '/none'], '--older-than', '12h'],
    [['render', '--batch', '/none.jsonl', '--output', 'x.mp4'], 'cannot go with --batch', 'lines'],
  ])('%j is named with what was meant', async (words, message, hint) => {
    const { code, stdout, stderr } = await run(...words);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(`error: `);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(new RegExp(`hint: .*${hint.replace('?', '\\?')}`));
    expect(stderr).not.toContain('    at ');
  });

  it('is one object on stdout with --json', async () => {
    const { code, stdout } = await run('render', '--json', '--frames', '0');
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'invalid-argument' } });
  });
});

describe('the table of flags', () => {
  it('names fields that the spec has', () => {
    for (const { field } of RENDER_FLAGS) {
      if (field !== undefined) expect(factsOfField(field), field).toBeDefined();
    }
  });

  /** What says nothing of the render itself says how this machine runs it, which a farm would not hear of. */
  it('of submit has nothing that it would take and pass over', () => {
    const program = createProgram(createSampleEnvironment(), () => undefined);
    const submit = program.commands.find((command) => command.name() === 'submit')!;
    const taken = new Set(submit.options.map(({ long }) => long));
    const local = RENDER_FLAGS.filter(({ field }) => field === undefined).map(({ name }) => name);
    expect(local).toContain('memory-gib');
    // The first three name the job and say which files it has, a preset stands for fields, and the command itself has the last.
    const meant = ['output', 'comparison', 'contact-sheet', 'preset', 'json'];
    expect(local.filter((name) => taken.has(`--${name}`) && !meant.includes(name))).toEqual([]);
  });

  it('is what docs/cli.md says', async () => {
    const program = createProgram(createSampleEnvironment(), () => undefined);
    const path = join(import.meta.dirname, '../../../docs/cli.md');
    expect(await readFile(path, 'utf8'), 'run: npm run generate').toBe(cliReference(program));
  });
});

/** What bash offers for the last word of a line. */
async function completeInBash(...line: string[]): Promise<string[]> {
  const { stdout: script } = await run('completion', 'bash');
  const folder = await mkdtemp(join(tmpdir(), 'bivdiff-completion-'));
  try {
    await writeFile(join(folder, 'clip.mp4'), '');
    await writeFile(join(folder, 'completion.bash'), script);
    const words = line.map((word) => `'${word}'`).join(' ');
    const lines = [
      'source ./completion.bash',
      `COMP_WORDS=(${words}); COMP_CWORD=${line.length - 1}; _bivdiff`,
      'printf "%s\\n" "${COMPREPLY[@]}"',
    ];
    const options = { cwd: folder };
    const { stdout } = await promisify(execFile)('bash', ['-c', lines.join('\n')], options);
    return stdout.split('\n').filter((word) => word !== '');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe('commands that share the flags of render', () => {
  it.each([
    ['plan', ['batch', 'report', 'trace', 'overwrite', 'quiet']],
    ['sweep', ['batch', 'comparison', 'contact-sheet', 'report', 'trace']],
    [
      'submit',
      [
        ...['report', 'trace', 'overwrite', 'store', 'device'],
        ...['slots', 'threads', 'memory-gib', 'quiet'],
      ],
    ],
  ])('%s takes those that docs/cli.md says, and no others', async (name, without) => {
    const program = createProgram(createSampleEnvironment(), () => undefined);
    const { options } = program.commands.find((one) => one.name() === name)!;
    const all = ['batch', ...RENDER_FLAGS.map((flag) => flag.name)];
    const taken = options.map(({ long }) => long?.slice(2));
    expect(all.filter((one) => !taken.includes(one))).toEqual(without);
    const section = cliReference(program).split(`## bivdiff ${name} `)[1]?.split('\n## ')[0];
    const list = without.map((one) => `\`--${one}\``).join(', ');
    expect(section).toContain(`The flags of \`bivdiff render\` without ${list}`);
  });

  it.each(['render', 'plan', 'sweep', 'submit'])('point to the help of %s itself', async (name) => {
    const { code, stderr } = await run(
      name,
      '--steps',
      '0',
      '--mixing-ratio',
      '1',
      '--output',
      'x/',
    );
    expect(code).toBe(2);
    expect(stderr).toContain(`hint: bivdiff ${name} --help lists the settings`);
  });
});

describe('completion in bash', () => {
  it.each([
    [['bivdiff', 'ren'], ['render']],
    [
      ['bivdiff', 'store', ''],
      ['du', 'gc', 'verify', '--help'],
    ],
    [['bivdiff', 'render', '--mix'], ['--mixing-ratio']],
    [
      ['bivdiff', 'render', '--inversion', ''],
      ['ddim', 'official'],
    ],
    [['bivdiff', 'render', '--task', 'f'], ['frames']],
    [['bivdiff', 'render', '--input', 'cl'], ['clip.mp4']],
    [['bivdiff', 'render', 'cl'], ['clip.mp4']],
    [['bivdiff', 'sweep', '--comp'], []],
    [['bivdiff', 'store', 'gc', '--dry'], ['--dry-run']],
    [
      ['bivdiff', 'completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
  ])('of %j is %j', async (line, words) => {
    expect(await completeInBash(...line)).toEqual(words);
  });
});

describe('completion in other shells', () => {
  it('names every command and flag', async () => {
    const zsh = (await run('completion', 'zsh')).stdout;
    const fish = (await run('completion', 'fish')).stdout;
    expect(zsh).toMatch(/^#compdef bivdiff\n/);
    for (const { name } of RENDER_FLAGS) {
      expect(zsh).toContain(`'--${name}[`);
      expect(fish).toContain(`-l ${name}`);
    }
    expect(fish).toContain("-a render -d 'Render a video'");
  });
});
