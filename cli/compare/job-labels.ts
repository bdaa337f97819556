// What jobs are called beside each other: by the settings in which they differ. Pure.

import type { AcceptedJob } from '../../recipes/job.ts';

/** Digests, machines and files: not what people compare by. */
const UNTOLD = /^(plannerRevision|source|numerics|outputs)\b|\.digest$/;
/** More than so many are no name. */
const TOLD_MAX = 3;

/** One label a job, in order. */
export function jobLabels(
  jobs: readonly { readonly jobId: string; readonly job: AcceptedJob }[],
): readonly string[] {
  const settings = jobs.map(({ job }) => new Map(settingsOf(job)));
  const names = new Set(settings.flatMap((one) => [...one.keys()]));
  const differing = [...names].filter(
    (name) => new Set(settings.map((one) => one.get(name))).size > 1,
  );
  return jobs.map(({ jobId, job }, index) => {
    if (differing.length === 0) return `${job.task}, ${shortened(job.prompt)}`;
    const own = differing.filter((name) => settings[index]?.has(name) === true);
    if (own.length === 0 || own.length > TOLD_MAX) return `${job.task} ${jobId.slice(0, 8)}`;
    return own.map((name) => `${wordsOf(name)} ${settings[index]!.get(name)!}`).join(', ');
  });
}

/** Numbers and words at any depth, by the path to them. */
function settingsOf(value: unknown, path = ''): [string, string][] {
  if (UNTOLD.test(path)) return [];
  if (typeof value !== 'object' || value === null) {
    return value === undefined ? [] : [[path, shortened(`${value as string | number}`)]];
  }
  return Object.entries(value).flatMap(([key, one]) =>
    settingsOf(one, path === '' ? key : `${path}.${key}`),
  );
}

const PROMPT_SHOWN = 60;

function shortened(text: string): string {
  return text.length > PROMPT_SHOWN ? `${text.slice(0, PROMPT_SHOWN - 1)}…` : text;
}

/** `models.videoUnet.name` is `video unet`, `mixingRatio` `mixing ratio`. */
function wordsOf(name: string): string {
  return name
    .replace(/^models\.|\.name$/g, '')
    .replaceAll('.', ' ')
    .replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
