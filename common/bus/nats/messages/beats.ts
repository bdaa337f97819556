// What workers say of themselves, and what they are told of versions. The one thing on NATS that programs of every version read, so it is
// JSON, on subjects that do not change, and fields are only ever added.

import { z } from 'zod';

import type { WorkerStatus } from '../../../worker-status.ts';

const NAME = z.string().min(1).max(200);
const COUNT = z.int().nonnegative();

const BEAT = z.looseObject({
  protocol: COUNT,
  name: NAME,
  pools: z.array(z.enum(['idm', 'mixer', 'vdm', 'any'])),
  slots: COUNT,
  pid: COUNT,
  host: z.string(),
  numericsClass: z.string(),
  memoryBytes: z.number().nonnegative(),
  running: z.array(z.string()),
  loaded: z.record(z.string(), z.number()).optional(),
  draining: z.boolean(),
  committed: COUNT,
  address: z.string().optional(),
  gathered: z.object({ hits: COUNT, misses: COUNT, fallbacks: COUNT }),
  leaving: z.boolean(),
});

const NOTICE = z.looseObject({ worker: NAME, protocol: COUNT });

/** Told to a worker that speaks another protocol than the coordinator. */
export interface VersionNotice {
  readonly worker: string;
  /** The coordinator's. */
  readonly protocol: number;
}

/** @throws ZodError, SyntaxError — it is no beat */
export function decodeBeat(text: string): WorkerStatus {
  return BEAT.parse(JSON.parse(text)) as object as WorkerStatus;
}

/** @throws ZodError, SyntaxError — it is no notice */
export function decodeNotice(text: string): VersionNotice {
  return NOTICE.parse(JSON.parse(text));
}
