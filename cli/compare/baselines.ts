// The comparison of the paper at the scale of the models at hand: each spec rendered by BIVDiff and by what it is compared with, and the means
// over the specs. Renders share whatever is equal in them.

import type { Store } from '../../common/store/ports.ts';
import type { Accepted, Farm } from '../farm.ts';
import type { TypedFlags } from '../flags/render-flags.ts';
import type { Measured, ReportClip, ReportGrid } from '../report/report.ts';
import type { Clip } from './clip.ts';
import { compareClips } from './compared.ts';
import type { Comparison } from './compared.ts';
import { JobClipReader } from './job-clips.ts';
import type { MeasureOptions } from './measure-clips.ts';

/** A way from a spec to a clip. */
export interface Method {
  readonly name: string;
  /** What it changes in the spec, as typed. */
  readonly flags: TypedFlags;
  /** Which frames of the render are its clip: as they were drawn, or after smoothing. */
  readonly panel: 'generated' | 'smoothed';
  /** It needs models or a task that not every spec has, and is left out where one has not. */
  readonly isOptional?: true;
}

/** Its specs are made of the others: tuned-set.ts. */
export const TUNE_A_VIDEO: Method = { name: 'Tune-A-Video', flags: {}, panel: 'smoothed' };

/** The first is what the others are compared with. */
export const METHODS: readonly Method[] = [
  { name: 'frames alone', flags: { bridging: 'mixed' }, panel: 'generated' },
  {
    name: 'frames alone, one noise',
    // Of its smoothing nothing is used: so far into noise is little work, and a step even where there are four.
    flags: { sharedNoise: '1', bridging: 'none', strength: '0.25' },
    panel: 'generated',
  },
  {
    name: 'ControlVideo',
    flags: { method: 'controlvideo' },
    panel: 'smoothed',
    isOptional: true,
  },
  TUNE_A_VIDEO,
  { name: 'noised (SDEdit)', flags: { bridging: 'none' }, panel: 'smoothed' },
  { name: 'video inversion only', flags: { bridging: 'video-only' }, panel: 'smoothed' },
  { name: 'image inversion only', flags: { bridging: 'image-only' }, panel: 'smoothed' },
  { name: 'BIVDiff', flags: { bridging: 'mixed' }, panel: 'smoothed' },
];

/** What is compared. */
export interface Baselines {
  readonly methods: readonly Method[];
  readonly specs: readonly BaselineSpec[];
  /** Why others are not among the methods. */
  readonly notes: readonly string[];
}

/** A spec by its name, rendered by each method. */
export interface BaselineSpec {
  readonly name: string;
  /** In the order of the methods. */
  readonly accepted: readonly Accepted[];
}

/** Renders what the store has not; equal jobs once. */
export async function renderBaselines(
  farm: Farm,
  { methods, specs }: Baselines,
  options: {
    readonly signal: AbortSignal;
    readonly onRender: (name: string) => Parameters<Farm['render']>[1]['onProgress'];
    readonly onEnd: () => void;
  },
): Promise<void> {
  const done = new Set<string>();
  for (const { name, accepted } of specs) {
    for (const [index, one] of accepted.entries()) {
      if (done.has(one.jobId)) continue;
      done.add(one.jobId);
      const onProgress = options.onRender(`${name}: ${methods[index]!.name}`);
      const run = { signal: options.signal, ...(onProgress === undefined ? {} : { onProgress }) };
      await farm.render(one, run).finally(options.onEnd);
    }
  }
}

/** A comparison of all clips, and the means of each method. */
export interface BaselineComparison {
  readonly comparison: Comparison;
  readonly means: readonly ReportClip[];
  readonly grid: ReportGrid;
}

export async function compareBaselines(
  store: Store,
  { methods, specs, notes }: Baselines,
  options: MeasureOptions,
): Promise<BaselineComparison> {
  const comparisons: Comparison[] = [];
  for (const spec of specs) {
    const { shown, clips } = await clipsOf(store, spec, methods);
    comparisons.push(await compareClips([...shown, ...clips], clips[0]!, options));
  }
  const all = comparisons.flatMap(({ clips }) => clips);
  const places = comparisons.map(({ clips }) => clips.filter(({ kind }) => kind === 'measured'));
  const comparison = {
    clips: all,
    reference: all.indexOf(places[0]![0]!),
    figures: comparisons[0]!.figures,
    notes: [...new Set(comparisons.flatMap((one) => one.notes)), ...notes],
  };
  const means = methods.map(({ name }, method): ReportClip => {
    const measured = places.map((line) => line[method]!.measured ?? {});
    return { label: name, pictures: [], measured: meanOf(measured) };
  });
  const grid = {
    rows: { name: 'spec', values: specs.map(({ name }) => name) },
    columns: { name: 'method', values: methods.map(({ name }) => name) },
    clips: places.map((line) => line.map((clip) => all.indexOf(clip))),
  };
  return { comparison, means, grid };
}

async function clipsOf(
  store: Store,
  { name, accepted }: BaselineSpec,
  methods: readonly Method[],
): Promise<{ readonly shown: readonly Clip[]; readonly clips: readonly Clip[] }> {
  const shown: Clip[] = [];
  const clips: Clip[] = [];
  for (const [index, method] of methods.entries()) {
    const { jobId, job, spec } = accepted[index]!;
    // A reader of its own: what methods share is wanted of each.
    const reader = new JobClipReader(store);
    const label = `${name}: ${method.name}`;
    const { before, result } = await reader.read({ label, jobId, job, request: spec });
    if (index === 0) {
      const others = before.filter(({ kind }) => kind === 'shown');
      shown.push(...others.map((clip) => ({ ...clip, label: `${name}: ${clip.label}` })));
    }
    const drawn = before.find(({ kind }) => kind === 'measured');
    const clip = method.panel === 'generated' ? (drawn ?? result) : result;
    clips.push({ ...clip, label });
  }
  // A method that is of another task knows of no control, and is asked to keep to that of the others.
  const control = clips.find((clip) => clip.control !== undefined)?.control;
  const followed = clips.map((clip) => ({ ...(control && { control }), ...clip }));
  return { shown, clips: followed };
}

type Figures = Readonly<Record<string, Measured>>;

/** Of all that have a figure, value by value. */
function meanOf(all: readonly Figures[]): Figures {
  const mean = (values: readonly (number | null)[]): number | null => {
    const known = values.filter((one) => one !== null);
    return known.length === 0 ? null : known.reduce((sum, one) => sum + one, 0) / known.length;
  };
  const ids = new Set(all.flatMap((one) => Object.keys(one)));
  const entries = [...ids].map((id) => {
    const found = all.flatMap((one) => one[id] ?? []);
    const [first] = found;
    const series = first!.series.map((_, n) => mean(found.flatMap((one) => one.series[n] ?? [])));
    return [id, { series, mean: mean(found.map((one) => one.mean))! }] as const;
  });
  return Object.fromEntries(entries);
}
