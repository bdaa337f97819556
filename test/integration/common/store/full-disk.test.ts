// Goal: a full disk is an error that says what is missing and what to do, and harms nothing that is stored. Method: a
// process on a real disk of 1 MiB; where this machine permits no mount, the limit on the size of files.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { startChild } from '../../../support/conformance/child.ts';
import type { SeenFailure } from '../../../support/conformance/seen-failure.ts';
import { bytesOf } from '../../../support/conformance/seed.ts';
import { fileSizeLimit, smallDisk } from '../../../support/conformance/small-disk.ts';
import type { SmallDisk } from '../../../support/conformance/small-disk.ts';
import type { FillReport } from '../../../support/conformance/store/store-filler.ts';

const BIG_FILE_BYTES = 3 << 20;

let folder = '';
let bigFile = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bivdiff-full-'));
  // Not under the folder, since that is covered by the mount.
  bigFile = `${folder}.mp4`;
  await writeFile(bigFile, bytesOf('big', BIG_FILE_BYTES));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  await rm(bigFile, { force: true });
});

async function fill(disk: SmallDisk): Promise<FillReport> {
  const child = startChild('store/store-filler.ts', [folder, bigFile], { prefix: disk.prefix });
  return JSON.parse((await child.output()).join('')) as FillReport;
}

function expectUnharmed(report: FillReport): void {
  expect(report.temporaryFiles).toBe(0);
  expect(report.isIntact).toBe(true);
  expect(report.isUsable).toBe(true);
}

function expectFull(failure: SeenFailure | undefined): void {
  expect(failure).toMatchObject({ code: 'resource-exhausted', retry: 'same-worker' });
  expect(failure?.message).toContain(folder);
  expect(failure?.hint).toBeTruthy();
}

describe('file store: full disk', () => {
  it('says which store is full, what it needs and what is left', async () => {
    const disk = await smallDisk(folder, 'size=1m');
    const report = await fill(disk);
    expectUnharmed(report);
    expectFull(report.failures.artifact);
    expectFull(report.failures.file);
    if (disk.means === 'tmpfs') {
      expectFull(report.failures.record);
      expectFull(report.failures.document);
      expect(report.failures.artifact?.message).toMatch(
        /500000 bytes are needed, \d+ bytes are free/,
      );
      expect(report.failures.artifact?.hint).toContain('bivdiff store gc');
      expect(report.failures.artifact?.details['neededBytes']).toBe(500_000);
      expect(report.failures.artifact?.details['freeBytes']).toBeLessThan(500_000);
    }
  });

  it('says so when not room but files have run out', async () => {
    const disk = await smallDisk(folder, 'size=64m,nr_inodes=60');
    const report = await fill(disk);
    expectUnharmed(report);
    expectFull(report.failures.artifact ?? report.failures.record);
    if (disk.means === 'tmpfs') expect(report.failures.record?.message).toContain('inodes');
  });

  it('says so when a file would be larger than the process may write', async () => {
    const report = await fill(fileSizeLimit());
    expectUnharmed(report);
    expectFull(report.failures.artifact);
    expectFull(report.failures.file);
    expect(report.failures.artifact?.hint).toContain('ulimit');
    expect(report.failures.record).toBeUndefined();
  });
});
