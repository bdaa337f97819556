// What a stage's body sees while a lane runs it: the StageContext over the lane's sessions, tokenizers and memo. One
// LaneState per lane, one context per job.

import { BivdiffError } from '../../../common/errors.ts';
import type { JsonObject } from '../../../common/task.ts';
import { BoundedMemo } from './bounded-memo.ts';
import { checkGraphContract } from '../graph-contract.ts';
import type { GraphKind } from '../graph-kind.ts';
import type { LaneJob, LaneModel, LaneSettings } from './lane-job.ts';
import { dependsOnThreads, runLoneSampleTwice } from './lone-sample.ts';
import type { Session, StageContext, Tokenizer } from '../ports.ts';
import { runMemory } from './run-memory.ts';
import { SessionCache } from './session-cache.ts';
import { runInPieces } from './split-batch.ts';
import { openTokenizer } from '../tokenizer.ts';

/** A text embedding is some hundred KiB, so this many stay below 100 MiB. */
const MEMO_ENTRIES = 128;
/** One has about 50,000 tokens, some ten MiB. */
const TOKENIZER_ENTRIES = 4;

/** What a lane keeps from job to job. */
export class LaneState {
  readonly settings: LaneSettings;
  readonly sessions: SessionCache;
  readonly memo = new BoundedMemo<unknown>(MEMO_ENTRIES);
  readonly tokenizers = new BoundedMemo<Tokenizer>(TOKENIZER_ENTRIES);

  constructor(settings: LaneSettings) {
    this.settings = settings;
    this.sessions = new SessionCache(settings);
  }
}

export interface LaneJobHooks {
  /** What the graph in each role must look like. */
  readonly graphs: Readonly<Record<string, GraphKind>>;
  readonly isCancelled: () => boolean;
  readonly onProgress: (step: number, steps: number) => void;
  readonly standsAt: StageContext['standsAt'];
}

export function createStageContext(
  job: LaneJob,
  state: LaneState,
  hooks: LaneJobHooks,
): StageContext {
  const throwIfCancelled = (): void => {
    if (hooks.isCancelled()) throw new BivdiffError('cancelled', `${job.stage} was cancelled`);
  };
  return {
    session: (role, form) => {
      const model = { ...modelOf(job, role), form };
      return openRole(model, role, { state, throwIfCancelled, kind: hooks.graphs[role] });
    },
    hasRoomFor: (role, form) => state.sessions.hasRoomFor(modelOf(job, role), form),
    tokenizer: async (role) => {
      const model = modelOf(job, role);
      return state.tokenizers.get(model.digest, () => openTokenizer(folderOf(model)));
    },
    config: (role): JsonObject => modelOf(job, role).config,
    memo: async <T>(key: string, make: () => Promise<T>) => {
      return state.memo.get(key, make) as Promise<T>;
    },
    digest: (role) => modelOf(job, role).digest,
    throwIfCancelled,
    progress: hooks.onProgress,
    resumed: job.checkpoints?.resumed,
    standsAt: hooks.standsAt,
  };
}

interface RoleOptions {
  readonly state: LaneState;
  readonly kind: GraphKind | undefined;
  readonly throwIfCancelled: () => void;
}

/** A session that is loaded again should it have been evicted, and that ends before its next run once cancelled. */
async function openRole(
  model: LaneModel,
  role: string,
  { state: { sessions, settings }, throwIfCancelled, kind }: RoleOptions,
): Promise<Session> {
  throwIfCancelled();
  return sessions.use(model, async ({ name, inputs, outputs }) => {
    // What has fewer inputs was made of one that was seen.
    if (kind !== undefined && (model.form ?? 'deep') === 'deep') {
      checkGraphContract({ name, inputs, outputs }, kind, model.config);
    }
    return {
      name,
      inputs,
      outputs,
      run: async (feeds) => {
        throwIfCancelled();
        const { config } = model;
        const isPaired = kind !== undefined && dependsOnThreads({ kind, config, settings }, feeds);
        return sessions.use(model, async (session) => {
          const roomBytes = sessions.roomBeside(model);
          const memory = runMemory(session, feeds, { role, kind, config, isPaired, roomBytes });
          await sessions.makeRoom(model, memory.bytes);
          return runInPieces(session, feeds, memory, async (piece) => {
            throwIfCancelled();
            return isPaired ? runLoneSampleTwice(session, piece) : session.run(piece);
          });
        });
      },
    };
  });
}

function modelOf(job: LaneJob, role: string): LaneModel {
  const model = job.models[role];
  if (model !== undefined) return model;
  const given = Object.keys(job.models).join(', ');
  throw new BivdiffError('internal', `${job.stage} has no model for ${role}; it has ${given}`, {
    retry: 'never',
  });
}

function folderOf(model: LaneModel): string {
  if (model.folder !== undefined) return model.folder;
  throw new BivdiffError('failed-precondition', `${model.name} is no tokenizer: it has no folder`, {
    retry: 'never',
    hint: 'Run `bivdiff models check` on the model folder.',
  });
}
