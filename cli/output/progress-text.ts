// What progress looks like, as text: rows of bars for a terminal of some width, or one plain line. Pure.

import type { RenderProgress, StageProgress, WithoutRoom } from '../farm.ts';
import { formatClock, formatSeconds, plural } from './format.ts';

export interface RowOptions {
  readonly columns: number;
  readonly rows: number;
  readonly colors: boolean;
  readonly secondsSinceUpdate: number;
  readonly secondsElapsed: number;
}

const NAME_COLUMNS = 12;
const BAR_COLUMNS_MAX = 30;
const BAR_COLUMNS_MIN = 8;
/** Room for `1234/5678` and ` step 12/50`. */
const COUNT_COLUMNS = 24;
/** Eighths of a block, from empty to full. */
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/** One row per stage and one for the whole, none wider than the terminal, all of them on the screen. */
export function formatProgressRows(progress: RenderProgress, options: RowOptions): string[] {
  const stages = progress.stages.filter((stage) => stage.total > 0);
  const room = Math.max(1, options.rows - 2);
  const shown = stages.length <= room ? stages : chooseStages(stages, room);
  const rows = shown.map((stage) => stageRow(stage, options));
  rows.push(totalRow(progress, options));
  return rows;
}

/**
 * `generate 1/2, step 12/50; 43 %, 1:12 left`, or undefined when nothing runs. Where the store is full, what is run for it is run in vain:
 * `waiting for room in the store, 2 tasks; 43 %`.
 */
export function formatProgressLine(progress: RenderProgress): string | undefined {
  const waiting = waitingText(progress);
  if (waiting !== undefined) return `${waiting}; ${percent(progress)}`;
  const active = progress.stages.filter((stage) => stage.running.length > 0);
  if (active.length === 0) return waitsText(progress) || undefined;
  const parts = active.map((stage) => {
    const steps = stepsText(stage);
    return `${stage.stage} ${doneOf(stage)}/${stage.total}${steps === '' ? '' : `, ${steps}`}`;
  });
  const left = secondsLeftText(progress.secondsLeft);
  return `${parts.join('; ')}; ${percent(progress)}${left === '' ? '' : `, ${left}`}`;
}

/** `generate: done, 2 run, 0 reused (after 12 s)`. */
export function formatStageDone(stage: StageProgress, secondsElapsed: number): string {
  const { total, run, reused } = stage;
  return `${stage.stage}: ${plural(total, 'task')} done, ${run} run, ${reused} reused (after ${formatSeconds(secondsElapsed)})`;
}

/** That the store is full, where, and what to do; or, for undefined, that it is no more. */
export function formatWithoutRoom(withoutRoom: WithoutRoom | undefined): string {
  if (withoutRoom === undefined) return 'there is room in the store again: the render goes on';
  const { message, hint } = withoutRoom.failure;
  const remedy = hint === undefined ? '' : `${hint} `;
  return (
    `waiting for room in the store: ${message}\n` +
    `hint: ${remedy}The render goes on by itself once there is room; Ctrl-C stops it, and what is done is kept.`
  );
}

function waitingText({ withoutRoom }: RenderProgress): string | undefined {
  if (withoutRoom === undefined) return undefined;
  return `waiting for room in the store, ${plural(withoutRoom.tasks, 'task')}`;
}

function stageRow(stage: StageProgress, options: RowOptions): string {
  const done = doneOf(stage);
  const steps = stage.running.reduce(
    (sum, task) => sum + (task.steps > 0 ? task.step / task.steps : 0),
    0,
  );
  const fraction = Math.min(1, (done + steps) / stage.total);
  const count = `${done}/${stage.total}`;
  const remark = stage.running.length > 0 ? stepsText(stage) : reusedText(stage, done);
  const text = `${stage.stage.padEnd(NAME_COLUMNS)} ${bar(fraction, options)}${count}${remark === '' ? '' : `  ${remark}`}`;
  const active = stage.running.length > 0;
  const style = done >= stage.total ? '32' : active ? '36' : '2';
  return paint(cut(text, options.columns), style, options.colors);
}

function totalRow(progress: RenderProgress, options: RowOptions): string {
  const { secondsLeft } = progress;
  const since = options.secondsSinceUpdate;
  const left =
    waitingText(progress) ??
    (secondsLeft === undefined ? '' : secondsLeftText(Math.max(0, secondsLeft - since)));
  const elapsed = formatClock(options.secondsElapsed);
  const waits = waitsText(progress);
  const text = [`${percent(progress)} done`, `${elapsed} gone`, left, waits];
  return cut(text.filter((part) => part !== '').join(', '), options.columns);
}

/** Running stages first, then those that wait, then those done; in pipeline order. */
function chooseStages(stages: readonly StageProgress[], room: number): StageProgress[] {
  const rank = (stage: StageProgress): number =>
    stage.running.length > 0 ? 0 : doneOf(stage) < stage.total ? 1 : 2;
  const chosen = new Set(stages.toSorted((a, b) => rank(a) - rank(b)).slice(0, room));
  return stages.filter((stage) => chosen.has(stage));
}

function bar(fraction: number, options: RowOptions): string {
  // The last column stays free: some terminals wrap when it is written.
  const room = options.columns - 1 - NAME_COLUMNS - 2 - COUNT_COLUMNS;
  const width = Math.min(BAR_COLUMNS_MAX, room);
  if (width < BAR_COLUMNS_MIN) return '';
  const eighths = Math.floor(fraction * width * 8);
  const filled = '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
  return `${filled.padEnd(width, '·')} `;
}

function stepsText(stage: StageProgress): string {
  const [first] = stage.running.filter((task) => task.steps > 1);
  if (first === undefined) return '';
  const more = stage.running.length - 1;
  return `step ${first.step}/${first.steps}${more > 0 ? ` (+${more})` : ''}`;
}

function reusedText(stage: StageProgress, done: number): string {
  if (stage.reused === 0) return '';
  return stage.reused === done ? 'reused' : `${stage.reused} reused`;
}

function doneOf(stage: StageProgress): number {
  return stage.run + stage.reused;
}

function percent(progress: RenderProgress): string {
  return `${Math.floor(progress.fraction * 100)} %`;
}

function secondsLeftText(seconds: number | undefined): string {
  return seconds === undefined ? '' : `${formatClock(seconds)} left`;
}

function waitsText({ waitingFor }: RenderProgress): string {
  return waitingFor === undefined ? '' : `waits for ${waitingFor}`;
}

/** Counts characters; all that are drawn here are one column wide. */
function cut(text: string, columns: number): string {
  const room = Math.max(1, columns - 1);
  return text.length <= room ? text : text.slice(0, room);
}

function paint(text: string, style: string, colors: boolean): string {
  return colors ? `\u001b[${style}m${text}\u001b[0m` : text;
}
