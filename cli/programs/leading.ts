// A coordinator among others on Kubernetes: follows until it leads, and leads until it is told to end or has lost the lease.

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { BivdiffError } from '../../common/errors.ts';
import type { ErrorCode } from '../../common/errors.ts';
import { openKubeApi } from '../../coordinator/kubernetes/api/kube-api.ts';
import type { KubeApi } from '../../coordinator/kubernetes/api/kube-api.ts';
import { becomeLeader } from '../../coordinator/kubernetes/election/elector.ts';
import type { Leadership } from '../../coordinator/kubernetes/election/elector.ts';
import { kubeLeases } from '../../coordinator/kubernetes/election/kube-leases.ts';
import {
  addLeaderLabel,
  removeLeaderLabel,
} from '../../coordinator/kubernetes/election/leader-label.ts';
import type { LeaderElectionSettings } from '../../coordinator/kubernetes/settings.ts';
import { systemClock } from '../../coordinator/ports.ts';
import type { ClusterPlace } from '../flags/cluster-place.ts';
import type { Probes } from './http/probes.ts';
import type { Log } from './log.ts';

export interface LeadingOptions {
  readonly place: ClusterPlace;
  readonly probes: Probes;
  readonly log: Log;
  /** What only a leader does, until the signal aborts; it calls `onServing` once others can reach it. */
  readonly lead: (signal: AbortSignal, onServing: () => void) => Promise<void>;
}

/** Trouble of one kind is logged so often. */
const TELL_MS = 60_000;
/** Between two tries to set a label. */
const RETRY_MS = 2_000;
/** Parts a pod's name, which has none, from what is this process' alone. */
const SEPARATOR = '_';

/**
 * Waits for the lease, then leads. Where the settings ask for no election, it leads at once.
 * @throws aborted — the lease was lost; as `openKubeApi`, `lead`
 */
export async function leadInTurn(options: LeadingOptions, signal: AbortSignal): Promise<void> {
  const { place, log, lead } = options;
  const { leaderElection: election } = place.settings;
  if (election === undefined) return lead(signal, () => undefined);
  const api = await openKubeApi();
  // A container before this one in the same pod may have left it.
  await untilDone({ ...options, what: 'taking off the label' }, signal, () => unlabel(api, place));
  const leadership = await follow(api, election, options, signal);
  if (leadership === undefined) return;
  const { lost } = leadership;
  log.info({ lease: election.lease, before: leadership.before }, 'coordinator leads');
  lost.addEventListener('abort', () => {
    log.warn({ lease: election.lease }, 'coordinator leads no longer');
  });
  const ending = AbortSignal.any([signal, lost]);
  try {
    void unlabelPredecessor(api, leadership, options, ending);
    await lead(ending, () => {
      void untilDone({ ...options, what: 'labelling the pod' }, ending, () => label(api, place));
    });
  } finally {
    if (!lost.aborted) {
      await unlabel(api, place).catch(() => undefined);
      await leadership.release();
    }
  }
  if (lost.aborted) throw lost.reason as BivdiffError;
}

async function follow(
  api: KubeApi,
  { lease: name, leaseSeconds, renewSeconds, retrySeconds }: LeaderElectionSettings,
  { place: { namespace, identity }, probes, log }: LeadingOptions,
  signal: AbortSignal,
): Promise<Leadership | undefined> {
  const tell = teller(log);
  log.info({ lease: name, namespace, identity }, 'coordinator follows until it leads');
  return becomeLeader(
    {
      leases: kubeLeases(api, { namespace, name }),
      clock: systemClock,
      wall: () => new Date(),
      // A process that had this pod's name before may not have ended yet: what it holds is not ours.
      identity: `${identity}${SEPARATOR}${randomBytes(4).toString('hex')}`,
      times: {
        leaseMs: 1000 * leaseSeconds,
        renewMs: 1000 * renewSeconds,
        retryMs: 1000 * retrySeconds,
      },
      onHolder: (holder) => {
        log.info({ lease: name, holder }, 'coordinator sees who leads');
      },
      onTrouble: (error) => {
        if (error !== undefined) tell(error);
        if (probes.leads) return;
        probes.unready = error?.message;
        if (error === undefined) probes.unstarted = undefined;
        else if (probes.unstarted !== undefined) probes.unstarted = error.message;
      },
    },
    signal,
  );
}

async function label(api: KubeApi, { settings, namespace, pod }: ClusterPlace): Promise<void> {
  const { leaderLabel } = settings;
  if (leaderLabel === undefined || pod === undefined) return;
  await addLeaderLabel(api, { namespace, label: leaderLabel }, pod);
}

async function unlabel(
  api: KubeApi,
  { settings, namespace, pod }: Omit<ClusterPlace, 'identity'>,
): Promise<void> {
  const { leaderLabel } = settings;
  if (leaderLabel === undefined || pod === undefined) return;
  await removeLeaderLabel(api, { namespace, label: leaderLabel }, pod);
}

/**
 * The machine of one that did not give the lease up may be gone: its pod would be sent calls until the cluster notices. Tried for as long as
 * this one leads.
 */
async function unlabelPredecessor(
  api: KubeApi,
  { before }: Leadership,
  options: LeadingOptions,
  signal: AbortSignal,
): Promise<void> {
  const { place } = options;
  const pod = before.slice(0, Math.max(0, before.lastIndexOf(SEPARATOR)));
  if (pod === '' || pod === place.pod) return;
  const what = `taking the label off ${pod}, which led before`;
  await untilDone({ ...options, what }, signal, () => unlabel(api, { ...place, pod }));
}

/** Tries until it works or the signal aborts. */
async function untilDone(
  { what, log, probes }: { readonly what: string; readonly log: Log; readonly probes: Probes },
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  const tell = teller(log);
  while (!signal.aborted) {
    try {
      await work();
      return;
    } catch (reason) {
      const error = BivdiffError.from(reason, what);
      tell(error);
      if (!probes.leads) probes.unstarted = probes.unready = error.message;
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Logs trouble that repeats once a minute. */
function teller(log: Log): (error: BivdiffError) => void {
  const toldMs = new Map<ErrorCode, number>();
  return (error) => {
    const nowMs = performance.now();
    // Its text may be another each time.
    if (nowMs - (toldMs.get(error.code) ?? -Infinity) < TELL_MS) return;
    toldMs.set(error.code, nowMs);
    log.warn({ failure: error.toJSON() }, 'Kubernetes: trouble, trying again');
  };
}
