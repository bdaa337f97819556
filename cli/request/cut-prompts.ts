// Warnings of prompts that are longer than the models read. Knows nothing of how they are shown.

import { partsOf } from '../../common/models/model-folder.ts';
import type { ModelPart, ModelSet } from '../../common/models/model-set.ts';
import type { Digest } from '../../common/task.ts';
import type { AcceptedJob, PartRef } from '../../recipes/job.ts';

/** No text has more tokens than bytes: shorter ones need no tokenizer. */
const BYTES_SURELY_READ = 75;
/** Characters of what is cut off that are told. */
const TOLD_MAX = 160;

interface Read {
  readonly field: 'prompt' | 'prompts' | 'negativePrompt' | 'videoPrompt' | 'edit.sourcePrompt';
  readonly text: string;
  readonly tokenizer: PartRef;
}

/** One line, `field: what`, for each prompt of a job that its models do not read to the end. */
export async function cutPrompts(job: AcceptedJob, models: ModelSet): Promise<readonly string[]> {
  const unread = new Map<Read['field'], string>();
  for (const { field, text, tokenizer } of readsOf(job)) {
    if (Buffer.byteLength(text.normalize('NFC').toLowerCase()) <= BYTES_SURELY_READ) continue;
    const part = partsOf(models).find(({ digest }) => digest === tokenizer.digest);
    if (part === undefined) continue;
    const rest = (await tokenizerOf(part)).unread(text);
    if (rest.length > (unread.get(field)?.length ?? 0)) unread.set(field, rest);
  }
  return [...unread].map(([field, rest]) => `${field}: ${wordsOf(rest)}`);
}

/** The prompts, each with the tokenizers of the models that read it. */
function readsOf(job: AcceptedJob): readonly Read[] {
  const { prompt, negativePrompt, videoPrompt, prompts = [], models } = job;
  const { tokenizer, videoTokenizer } = models;
  const image: readonly PartRef[] = [
    tokenizer,
    ...('generatorTokenizer' in models ? [models.generatorTokenizer] : []),
  ];
  // Nobody has to be told twice of one text.
  const video = videoPrompt === prompt ? 'prompt' : 'videoPrompt';
  const source = job.task === 'prompt-to-prompt' ? job.edit.sourcePrompt : prompt;
  const reads = (field: Read['field'], text: string, by: readonly PartRef[]): Read[] =>
    by.map((part) => ({ field, text, tokenizer: part }));
  return [
    ...reads('prompt', prompt, image),
    ...(source === prompt ? [] : reads('edit.sourcePrompt', source, image)),
    ...reads(video, videoPrompt, [videoTokenizer]),
    ...prompts.flatMap((span) => [
      ...reads('prompts', span.prompt, image),
      ...reads('prompts', span.videoPrompt, [videoTokenizer]),
    ]),
    ...reads('negativePrompt', negativePrompt, [...image, videoTokenizer]),
  ];
}

type Opened = Awaited<ReturnType<typeof open>>;
const opened = new Map<Digest, Promise<Opened>>();

/** Kept: the renders of a batch, and the jobs of a farm, share few. */
function tokenizerOf({ digest, folder = '' }: ModelPart): Promise<Opened> {
  const known = opened.get(digest);
  if (known !== undefined) return known;
  const opening = open(folder);
  opened.set(digest, opening);
  opening.catch(() => opened.delete(digest));
  return opening;
}

async function open(folder: string) {
  // Takes a while to load, and short prompts do without.
  const { openTokenizer } = await import('../../workers/inference/tokenizer.ts');
  return openTokenizer(folder);
}

function wordsOf(rest: string): string {
  const words = rest.replace(/\s+/g, ' ');
  const told = words.length <= TOLD_MAX ? words : `${words.slice(0, TOLD_MAX).trimEnd()}…`;
  return `the models read 75 tokens of it, and cut off the rest; put what matters first. Cut off: ${told}`;
}
