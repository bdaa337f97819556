// Puts a comparison's page in its place.

import { extname, resolve } from 'node:path';

import { BivdiffError } from '../../common/errors.ts';
import type { TypedFlags } from '../flags/render-flags.ts';
import { checkPlaces, placeOutputs } from '../output/place-outputs.ts';
import { htmlReport, REPORT_HTML_MARK } from '../report/html-report.ts';
import type { Report } from '../report/report.ts';

/** Nothing of the store's is written. */
const NO_ARTIFACTS = {
  getArtifactFile: () =>
    Promise.reject(new BivdiffError('internal', 'a report is no artifact of a store')),
};

/**
 * The absolute path of the page that `--html` asks for, if it does; refused if it could not be written.
 * @throws invalid-argument — another ending @throws as `checkPlaces`
 */
export async function htmlPlace(
  typed: TypedFlags[string],
  folder: string,
): Promise<string | undefined> {
  if (typeof typed !== 'string') return undefined;
  if (!/^\.html?$/i.test(extname(typed))) {
    throw new BivdiffError('invalid-argument', `--html: ${typed} does not end in .html`);
  }
  const path = resolve(folder, typed);
  await checkPlaces([path], { kept: false });
  return path;
}

/** Replaces an earlier page of this kind, and else only with `overwrite`. */
export async function placeReport(
  path: string,
  report: Report,
  { overwrite }: { readonly overwrite: boolean },
): Promise<void> {
  const file = { kind: 'text', path, text: htmlReport(report), mark: REPORT_HTML_MARK } as const;
  await placeOutputs(NO_ARTIFACTS, [file], { overwrite, kept: false });
}
