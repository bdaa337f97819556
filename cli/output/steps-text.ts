// What of a job's steps costs less than it might (docs/samplers.md), for people.

import { nodesOf } from '../../recipes/job.ts';
import type { AcceptedJob } from '../../recipes/job.ts';

/** Stages that may use features again. */
const CALLED = { generate: 'drawing', smooth: 'smoothing' } as const;

/** `1 in 3 run whole (drawing and smoothing), guided up to 0.8 of them`; undefined where each is whole and guided. */
export function stepsText(job: AcceptedJob): string | undefined {
  const { cacheInterval, guidanceEnd } = job;
  const texts = [
    ...(cacheInterval === undefined ? [] : [wholeText(job, cacheInterval)]),
    ...(guidanceEnd === undefined ? [] : [`guided up to ${guidanceEnd} of them`]),
  ];
  return texts.length === 0 ? undefined : texts.join(', ');
}

/** Some run whole all the same: windows that agree at each step, and Prompt-to-Prompt. */
function wholeText(job: AcceptedJob, interval: number): string {
  const stages = nodesOf(job)
    .filter(({ params }) => params(0)['cacheInterval'] !== undefined)
    .map(({ stage }) => stage);
  const words = Object.entries(CALLED).flatMap(([stage, word]) =>
    stages.some((one) => one === stage) ? [word] : [],
  );
  return words.length === 0
    ? 'all run whole'
    : `1 in ${interval} run whole (${words.join(' and ')})`;
}
