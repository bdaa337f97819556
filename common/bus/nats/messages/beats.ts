// What workers say of themselves, and what they are told of versions. The one thing on NATS that programs of every version read, so it is
// JSON, on subjects that do not change; protocol and name stay what they are.

import { z } from 'zod';

import { PROTOCOL_VERSION } from '../../../protocol-version.ts';
import type { WorkerStatus } from '../../../worker-status.ts';

const NAME = z.string().min(1).max(200);
const COUNT = z.int().nonnegative();

const POOLS = z.array(z.enum(['idm', 'mixer', 'vdm', 'any']));

const BEAT = z.looseObject({
  protocol: COUNT,
  name: NAME,
  pools: POOLS,
  slots: COUNT,
  pid: COUNT,
  host: z.string(),
  numerics: z.object({ inference: z.string(), media: z.string(), plain: z.string() }),
  memoryBytes: z.number().nonnegative(),
  running: z.array(z.string()),
  loaded: z.record(z.string(), z.number()).optional(),
  draining: z.boolean(),
  committed: COUNT,
  address: z.string().optional(),
  gathered: z.object({ hits: COUNT, misses: COUNT, fallbacks: COUNT }),
  leaving: z.boolean(),
});

/** Of another version: which, and what can be shown of the worker. It gets no tasks, so the rest does not matter. */
const OTHER_BEAT = z.object({
  protocol: COUNT,
  name: NAME,
  pools: POOLS.catch([]),
  slots: COUNT.catch(0),
  pid: COUNT.catch(0),
  host: z.string().catch(''),
  memoryBytes: z.number().catch(0),
  draining: z.boolean().catch(false),
  committed: COUNT.catch(0),
  leaving: z.boolean().catch(false),
});
const NOT_SAID = {
  numerics: { inference: '', media: '', plain: '' },
  running: [],
  gathered: { hits: 0, misses: 0, fallbacks: 0 },
};

const NOTICE = z.looseObject({ worker: NAME, protocol: COUNT });

/** Told to a worker that speaks another protocol than the coordinator. */
export interface VersionNotice {
  readonly worker: string;
  /** The coordinator's. */
  readonly protocol: number;
}

/** @throws ZodError, SyntaxError — it is no beat */
export function decodeBeat(text: string): WorkerStatus {
  const beat: unknown = JSON.parse(text);
  const other = OTHER_BEAT.parse(beat);
  if (other.protocol !== PROTOCOL_VERSION) return { ...NOT_SAID, ...other };
  return BEAT.parse(beat) as object as WorkerStatus;
}

/** @throws ZodError, SyntaxError — it is no notice */
export function decodeNotice(text: string): VersionNotice {
  return NOTICE.parse(JSON.parse(text));
}
