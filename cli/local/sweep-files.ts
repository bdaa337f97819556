// What a sweep leaves beside its videos: one contact sheet over all values, and the table. The sheet is drawn from
// the frames in the store, so that it adds no task to any render.

import { join } from 'node:path';

import type { Store } from '../../common/store/ports.ts';
import { PANEL_LABELS } from '../../recipes/panels.ts';
import type { AcceptedJob } from '../../recipes/job.ts';
import type { RgbImage } from '../../workers/media/media-types.ts';
import { encodePng } from '../../workers/media/pixels/png.ts';
import { composeContactSheet } from '../../workers/vision/panels.ts';
import { placeOutputs } from '../output/place-outputs.ts';
import { panelParts, readParts } from './job-pictures.ts';

export interface SweepFiles {
  /** Absolute. */
  readonly folder: string;
  /** Rendered jobs that differ only in what the sweep varies. */
  readonly rows: readonly { readonly label: string; readonly job: AcceptedJob }[];
  readonly table: object;
  readonly overwrite: boolean;
}

/** How the first characters of a table tell that an earlier sweep wrote it. */
const TABLE_MARK = '"bivdiff-sweep"';

/** Writes contact-sheet.png (control, frame by frame, a row per value) and table.json. */
export async function placeSweepFiles(store: Store, files: SweepFiles): Promise<void> {
  const { folder, rows, table, overwrite } = files;
  const bytes = await encodePng(await composeSheet(store, rows));
  const digest = await store.putArtifact(bytes);
  await placeOutputs(
    store,
    [
      {
        kind: 'artifact',
        path: join(folder, 'contact-sheet.png'),
        artifact: { digest, bytes: bytes.length, type: 'image/png' },
      },
      {
        kind: 'text',
        path: join(folder, 'table.json'),
        text: `${JSON.stringify(table, null, 2)}\n`,
        mark: TABLE_MARK,
      },
    ],
    { overwrite },
  );
}

async function composeSheet(store: Store, rows: SweepFiles['rows']): Promise<RgbImage> {
  const sheetRows: { label: string; frames: readonly RgbImage[] }[] = [];
  for (const { label, job } of rows) {
    const inputs = panelParts(job, 'contact-sheet');
    // What all have in common, once.
    const isFirst = sheetRows.length === 0;
    for (const [role, shared] of isFirst ? Object.entries(PANEL_LABELS) : []) {
      const parts = inputs[role];
      if (role === 'smoothed' || parts === undefined) continue;
      sheetRows.push({ label: shared, frames: await readParts(store, parts) });
    }
    sheetRows.push({ label, frames: await readParts(store, inputs['smoothed'] ?? []) });
  }
  return composeContactSheet(sheetRows);
}
