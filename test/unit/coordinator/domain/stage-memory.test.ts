import { describe, expect, it } from 'vitest';

import type { PartFacts } from '../../../../common/models/part-facts.ts';
import type { Digest, Stage } from '../../../../common/task.ts';
import { graphUses, lanePeaks, stageNeeds } from '../../../../coordinator/domain/stage-memory.ts';
import type { GraphUse } from '../../../../coordinator/domain/stage-memory.ts';
import { acceptedJob } from '../../../support/jobs.ts';

type Changes = Parameters<typeof acceptedJob>[0];

const MIB = 2 ** 20;
const config = { block_out_channels: [64, 128], rowwise_temporal_convs: true };
const FORMS = { deep: 100 * MIB, shallow: 5 * MIB, uncontrolled: 60 * MIB };
const part = (): PartFacts => ({
  ...{ name: 'part', config, weightBytes: 100 * MIB },
  formBytes: (form) => FORMS[form],
});

function usesOf(changes: Changes = {}, threads = 1): readonly GraphUse[] {
  return graphUses(acceptedJob(changes), part, threads);
}

/** Of the part that a role of `models` names in the stage. */
function useOf(stage: Stage, digest: Digest, uses: readonly GraphUse[]): GraphUse {
  return uses.find((use) => use.stage === stage && use.part === digest)!;
}

const { models } = acceptedJob();
const drawn = (changes: Changes = {}, threads = 1) =>
  useOf('generate', models.controlUnet.digest, usesOf(changes, threads));
const smoothed = (changes: Changes = {}) =>
  useOf('smooth', models.videoUnet.digest, usesOf(changes));
const inverted = (changes: Changes = {}) =>
  useOf('invert-image', models.inversionUnet.digest, usesOf(changes));

describe('the graphs of a job', () => {
  it('are those of each stage, each once, in their order', () => {
    const stages = usesOf().map(({ stage }) => stage);
    expect([...new Set(stages)]).toEqual([
      ...['generate', 'encode', 'invert-image', 'invert-video', 'smooth', 'decode'],
    ]);
    expect(stages.filter((stage) => stage === 'generate')).toHaveLength(3);
  });

  it('are left out where a part is not at hand', () => {
    const uses = graphUses(
      acceptedJob(),
      (digest) => (digest === models.videoUnet.digest ? undefined : part()),
      1,
    );
    expect(useOf('smooth', models.videoUnet.digest, uses)).toBeUndefined();
  });

  it('take more with size, frame batch, window and guidance', () => {
    const large = { width: 256, height: 256 };
    expect(drawn(large).memory.run).toBe(4 * drawn().memory.run);
    expect(drawn({ frameBatch: 4 }).memory.run).toBe(drawn({ frameBatch: 8 }).memory.run / 2);
    expect(drawn({ guidanceScale: 1 }).memory.run).toBe(drawn().memory.run / 2);
    // The first steps are guided, and run the whole graph.
    expect(drawn({ guidanceEnd: 0.5, cacheInterval: 3 })).toEqual({ ...drawn(), form: 'deep' });
    expect(smoothed({ videoGuidanceScale: 1 }).memory.run).toBe(smoothed().memory.run / 2);
    expect(smoothed({ window: 4 }).memory.run).toBe(smoothed({ window: 8 }).memory.run / 2);
    expect(smoothed({ frameBatch: 4 })).toEqual(smoothed({ frameBatch: 8 }));
    expect(inverted({ window: 4 }).memory.run).toBe(inverted({ window: 8 }).memory.run / 2);
  });

  it('are run one sample at a time where memory is short', () => {
    const eight = { frameBatch: 8, frames: 8, window: 8 };
    expect(drawn(eight).memory.run / drawn(eight).leastRun).toBe(16);
    expect(smoothed(eight).memory.run / smoothed(eight).leastRun).toBe(2);
  });

  it('are run two at a time where a lone one would have other bits', () => {
    expect(drawn({}, 2).leastRun).toBe(2 * drawn({}, 1).leastRun);
  });

  it('are run whole where the frames of a window see each other', () => {
    const scope = { normScope: 'window' } as const;
    expect(inverted(scope).leastRun).toBe(inverted(scope).memory.run);
  });
});

describe('what is made of a graph', () => {
  const formsIn = (stage: Stage, uses: readonly GraphUse[]) =>
    uses
      .filter((use) => use.stage === stage && [DRAWING, SMOOTHING].includes(use.part))
      .map(({ form }) => form);
  const [DRAWING, SMOOTHING] = [models.controlUnet.digest, models.videoUnet.digest];

  it('is loaded in its place where features are used again: what lies behind them, too', () => {
    const uses = usesOf({ cacheInterval: 3 });
    for (const stage of ['generate', 'smooth'] as const)
      expect(formsIn(stage, uses)).toEqual(['deep', 'shallow']);
    expect(formsIn('invert-video', uses)).toEqual([undefined]);
    const [deep, shallow] = uses.filter(({ part }) => part === DRAWING);
    expect(deep!.memory).toEqual(drawn().memory);
    expect(shallow!.memory.loaded - deep!.memory.loaded).toBeCloseTo(-1.03 * 95 * MIB);
    // All layers of the first width, without the pictures.
    expect(shallow!.memory.run).toBeGreaterThan(0);
    expect(shallow!.memory.run).toBeLessThan(deep!.memory.run);
  });

  it('is what takes no pictures, loaded beside the whole where some step has no control', () => {
    const weighed = (...controls: object[]): readonly GraphUse[] => {
      return graphUses({ ...acceptedJob(), controls } as never, part, 1);
    };
    const canny = { annotator: 'canny', low: 60, high: 150, scale: 1 };
    for (const uses of [weighed({ ...canny, end: 0.5 }), weighed(canny, { ...canny, start: 0.5 })])
      expect(formsIn('smooth', uses)).toEqual([undefined]);
    expect(formsIn('generate', weighed({ ...canny, end: 1 }))).toEqual([undefined]);
    expect(formsIn('generate', weighed(canny, { ...canny, end: 0.5 }))).toEqual([undefined]);
    const uses = weighed({ ...canny, end: 0.5 });
    expect(formsIn('generate', uses)).toEqual([undefined, 'uncontrolled']);
    const [, free] = uses.filter(({ part }) => part === DRAWING);
    // Both fill half of it.
    expect(free!.limitBytesMin).toBe(2 * 160 * MIB);
  });

  it('shares with what it takes turns with what a lane may fill', () => {
    const [deep, shallow] = (['deep', 'shallow'] as const).map((form): GraphUse => ({
      ...{ stage: 'smooth', part: 'a' as Digest, name: 'a', form, leastRun: 10 },
      memory: { loaded: 100, loading: 150, run: 400 },
    }));
    // Each run gets half of what their weights leave.
    expect(lanePeaks([deep!, shallow!], 600).get('smooth')).toBe(600);
    expect(lanePeaks([deep!], 600).get('smooth')).toBe(500);
  });

  it('counts where a lane has the memory to load it, and is needed by none', () => {
    const whole: GraphUse = {
      ...{ stage: 'generate', part: 'a' as Digest, name: 'a', leastRun: 20 },
      memory: { loaded: 100, loading: 150, run: 40 },
    };
    const free: GraphUse = {
      ...{ ...whole, form: 'uncontrolled', limitBytesMin: 400, leastRun: 2000 },
      memory: { loaded: 60, loading: 90, run: 30 },
    };
    expect(lanePeaks([whole, free], 1000).get('generate')).toBe(230);
    expect(lanePeaks([whole, free], 399).get('generate')).toBe(150);
    expect(stageNeeds([whole, free])).toEqual([{ stage: 'generate', graph: whole, bytes: 120 }]);
  });
});

describe('what a stage needs', () => {
  it('is its largest graph, loaded, with its smallest run', () => {
    const uses = usesOf();
    const need = stageNeeds(uses).find(({ stage }) => stage === 'smooth')!;
    const { memory, leastRun } = useOf('smooth', models.videoUnet.digest, uses);
    expect(need.bytes).toBe(Math.ceil(memory.loaded + leastRun));
    expect(need.graph.part).toBe(models.videoUnet.digest);
  });
});

describe('a lane that runs the stages', () => {
  const one = (stage: Stage, name: string, run: number): GraphUse => ({
    ...{ stage, part: name as Digest, name, leastRun: run / 2 },
    memory: { loaded: 100, loading: 150, run },
  });

  it('keeps all graphs and what their runs took, while there is room', () => {
    const uses = [one('encode', 'a', 40), one('decode', 'b', 60)];
    expect([...lanePeaks(uses, 1000)]).toEqual([
      ['encode', 150],
      ['decode', 300],
    ]);
  });

  it('keeps but what the stage itself runs where stages follow each other', () => {
    const uses = [
      ...[one('generate', 'a', 40), one('generate', 'b', 20)],
      ...[one('smooth', 'c', 60), one('decode', 'b', 20)],
    ];
    expect([...lanePeaks(uses, 1000, { isOneByOne: true })]).toEqual([
      ['generate', 290],
      ['smooth', 160],
      ['decode', 150],
    ]);
  });

  it('drops the last stage’s before the next loads, where both do not fit', () => {
    const uses = [one('encode', 'a', 40), one('decode', 'b', 80)];
    expect([...lanePeaks(uses, 200)]).toEqual([
      ['encode', 150],
      ['decode', 180],
    ]);
  });

  it('runs as many samples as fit, and never fewer than the least', () => {
    expect(lanePeaks([one('decode', 'a', 400)], 310).get('decode')).toBe(310);
    expect(lanePeaks([one('decode', 'a', 400)], 200).get('decode')).toBe(300);
  });

  it('loads a graph once that two stages run', () => {
    const uses = [one('generate', 'a', 40), one('decode', 'a', 60)];
    expect([...lanePeaks(uses, 1000)]).toEqual([
      ['generate', 150],
      ['decode', 160],
    ]);
  });
});
