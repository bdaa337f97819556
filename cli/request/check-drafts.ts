// All that is wrong with requests, in one error and before anything is written: what their settings say, what shows in the files that they
// name, and whether outputs and store can be where they shall be.

import { isSequence } from '../../common/outputs/output-formats.ts';
import type { RequestLook } from '../farm.ts';
import { checkStoreFolder } from '../output/check-store-folder.ts';
import { checkPlaces } from '../output/place-outputs.ts';
import { nameProblems } from './accept-request.ts';
import { helpHint, whereFrom } from './render-request.ts';
import type { RequestDraft, RequestOptions } from './render-request.ts';
import { formatOfName } from './output-names.ts';
import { lookedAt, refusalOf } from './request-problems.ts';
import type { RequestProblem } from './request-problems.ts';
import type { RunOptions } from './run-options.ts';

export interface LookOptions {
  readonly look: RequestLook;
  readonly signal?: AbortSignal;
}

/** What is wrong with one, but for where its outputs go, in its user's words. @throws what is not wrong with the request */
export async function problemsOfDraft(
  draft: RequestDraft,
  { look, ...options }: LookOptions,
): Promise<readonly RequestProblem[]> {
  const { request } = draft;
  const found = await look.problemsOf(draft, options);
  const named = nameProblems(
    found.map(({ text }) => text),
    request,
  );
  return [...draft.problems, ...found.map((one, index) => ({ ...one, text: named[index]! }))];
}

/** Of outputs that cannot be written. */
export async function placeProblems(paths: readonly string[]): Promise<readonly RequestProblem[]> {
  const problems: RequestProblem[] = [];
  for (const path of paths) await lookedAt(() => checkPlaces([path]), problems);
  return problems;
}

/** Of a store that cannot be where it shall be, beside outputs that go to `paths`. */
export async function storeProblems(
  { farm: { storeFolder: store } }: RunOptions,
  paths: readonly string[],
): Promise<readonly RequestProblem[]> {
  const problems: RequestProblem[] = [];
  // Where none is named that is told already.
  if (store !== '') await lookedAt(() => checkStoreFolder(store), problems);
  // It would be made first, and be in the way once all is rendered.
  const output = paths.find((path) => takesPlace(path, store));
  if (output !== undefined) {
    const text = `the store ${store} would be where an output goes, ${output}; choose another place for one of them`;
    problems.push({ text });
  }
  return problems;
}

/** A folder of pictures may have other things in it. */
function takesPlace(output: string, store: string): boolean {
  const path = output.replace(/\/$/, '');
  const format = formatOfName(output);
  const isFolder = format !== undefined && isSequence(format);
  return store === path || (!isFolder && store.startsWith(`${path}/`));
}

export interface CheckOptions extends LookOptions, Pick<RequestOptions, 'command'> {
  /** Of the process that runs it. @default it runs elsewhere */
  readonly run?: RunOptions;
  /** Files that will be written here. @default none */
  readonly writes?: readonly string[];
  /** Of flags that are no settings of the render. */
  readonly besides: readonly RequestProblem[];
}

/** @throws invalid-argument — lists all that is wrong with it, and with how it shall run */
export async function checkDraft(
  draft: RequestDraft,
  { besides, run, writes = [], command, ...looking }: CheckOptions,
): Promise<void> {
  const found = await problemsOfDraft(draft, looking);
  const problems = [...found, ...besides, ...(await placeProblems(writes))];
  if (run !== undefined) problems.push(...(await storeProblems(run, writes)));
  if (problems.length === 0) return;
  const settings = problems.filter(({ error }) => error === undefined);
  throw refusalOf(problems, {
    lead: whereFrom(
      settings.map(({ text }) => text),
      draft.request.file,
    ),
    hint: draft.problems.length > 0 ? helpHint(command) : undefined,
  });
}
