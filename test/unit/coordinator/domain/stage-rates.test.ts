import { describe, expect, it } from 'vitest';

import { stageRates } from '../../../../coordinator/domain/stage-rates.ts';
import type { PastStage } from '../../../../coordinator/domain/stage-rates.ts';
import type { StageWork } from '../../../../coordinator/domain/stage-work.ts';

const here = { pixels: 100, threads: 1 };
const work = (stage: StageWork['stage'], graphs = 'a'): StageWork => {
  return { stage, graphs, ofTask: (frames) => frames, total: 8 };
};
const past = (changes: Partial<PastStage>): PastStage => ({
  ...{ stage: 'smooth', graphs: 'a', work: 10, seconds: 20.6, busySeconds: 20 },
  ...{ pixels: 100, slots: 1, threads: 1, createdAt: '2026-01-01T00:00:00Z' },
  ...changes,
});

describe('the rate of a stage', () => {
  it('is what its graphs took, and a little for what is done around them', () => {
    const rate = stageRates([work('smooth')], [past({})], here)?.get('smooth');
    expect(rate?.secondsPerWork).toBeCloseTo(2.06);
    expect(rate?.firstSeconds).toBeCloseTo(0);
  });

  it('is of the same graphs alone', () => {
    const known = [past({}), past({ graphs: 'other', busySeconds: 2000, seconds: 2100 })];
    const rate = stageRates([work('smooth')], known, here)?.get('smooth');
    expect(rate?.secondsPerWork).toBeCloseTo(2.06);
    expect(stageRates([work('smooth', 'new')], known, here)).toBeUndefined();
  });

  it('is of the renders whose size was nearest, and of these the newest five', () => {
    const near = Array.from({ length: 7 }, (_, day) =>
      past({ busySeconds: day < 2 ? 1000 : 20, createdAt: `2026-01-0${String(day + 1)}` }),
    );
    const far = past({ pixels: 400, busySeconds: 1000 });
    const rate = stageRates([work('smooth')], [far, ...near], here)?.get('smooth');
    expect(rate?.secondsPerWork).toBeCloseTo(2.06);
    const large = stageRates([work('smooth')], [far, ...near], { pixels: 300, threads: 1 });
    expect(large?.get('smooth')?.secondsPerWork).toBeCloseTo(103);
  });

  it('tells what each slot spent on loading from what grows with the work', () => {
    const known = [past({ seconds: 26.6, slots: 2 })];
    expect(stageRates([work('smooth')], known, here)?.get('smooth')).toEqual({
      secondsPerWork: expect.closeTo(2.06, 5) as number,
      firstSeconds: expect.closeTo(3, 5) as number,
    });
  });

  it('grows and shrinks with the threads of a slot', () => {
    const rate = (threads: number) =>
      stageRates([work('smooth')], [past({ threads: 2 })], { ...here, threads })?.get('smooth')
        ?.secondsPerWork;
    expect(rate(2)).toBeCloseTo(2.06);
    expect(rate(1)).toBeCloseTo(4.12);
    expect(rate(4)).toBeCloseTo(1.03);
  });

  it('is that of the other graphs where its own were never run, operation for operation', () => {
    const works = [work('smooth'), work('generate', 'new')];
    expect(stageRates(works, [past({})], here)?.get('generate')?.secondsPerWork).toBeCloseTo(2.06);
  });

  it('is of all that its tasks took where it runs no graph, whatever the threads', () => {
    const measured = past({ stage: 'measure', graphs: '', busySeconds: 1, threads: 2 });
    const rates = stageRates([work('measure', '')], [measured], here);
    expect(rates?.get('measure')).toEqual({ secondsPerWork: 2.06, firstSeconds: 0 });
  });

  it('is nothing where it runs no graph and was never measured', () => {
    expect(stageRates([work('mix', '')], [], here)?.get('mix')?.secondsPerWork).toBe(0);
  });
});
