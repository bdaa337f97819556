// One pool: what its pods are, and what becomes of them. Remembers what no list tells: since when a worker is idle, which was asked to rest.

import { REST_SECONDS } from '../../common/worker-status.ts';
import type { Look, PodMarks, PoolDecision } from './decision.ts';
import { firstToGo } from './deletion-order.ts';
import type { DeploymentFacts, PodFacts } from './farm-view.ts';
import type { PoolPlan, PoolSupply } from './plan-workers.ts';
import type { ScaledPool } from './predicted-work.ts';
import type { PoolSettings } from './settings.ts';
import { PodMemories } from './pod-memories.ts';
import { countsText, ownerText, silentText, stayText, stuckText } from './pool-texts.ts';
import { StartTimes } from './start-times.ts';
import { isSafeToGo, roleOf } from './worker-pods.ts';
import type { PodRole } from './worker-pods.ts';

/** The cost of a pod that shall go before all others. */
export const GOING_COST = -1_000;
/** Replicas are lowered for it only in the first part of that: the controller shall have ended it before it wakes. */
const REST_USED_SECONDS = REST_SECONDS / 2;
/** A pod that ran nowhere so long ago does not run a task now: it takes longer to start a container, and the worker in it. */
const UNSTARTED_MS_MAX = 2_000;
/** A pod's marks are not taken off between two tasks. */
const HELD_IDLE_SECONDS = 10;
/** A silent worker counts as one for so long: its container may have been started anew. */
const SILENT_COUNTS_SECONDS = 60;
/** Of starts that were seen, so many were over by the time that is planned with. */
const START_SHARE = 0.7;

export interface SeenPod {
  readonly pod: PodFacts;
  readonly role: PodRole;
  /** Seconds for which it has had nothing to do; 0 of one that has. */
  readonly idleSeconds: number;
  /** Seconds since it was asked to rest; undefined of one that was not, or is awake again. */
  readonly restingSeconds: number | undefined;
}

export interface PoolState {
  /** Of the view. */
  readonly ageMs: number;
  readonly deployment: DeploymentFacts;
  readonly pods: readonly SeenPod[];
  readonly supply: PoolSupply;
  readonly troubles: readonly string[];
}

export class PoolScaler {
  readonly startTimes: StartTimes;
  readonly #pool: ScaledPool;
  readonly #settings: PoolSettings;
  readonly #memories = new PodMemories();
  #nowMs = 0;
  /** What was said last, and of which generation: who sets something else is another owner. */
  #said: { readonly replicas: number; readonly generation: number | undefined } | undefined;

  constructor(pool: ScaledPool, settings: PoolSettings) {
    this.#pool = pool;
    this.#settings = settings;
    this.startTimes = new StartTimes(settings.startSeconds);
  }

  /** Takes in what is so; a text: why nothing can be decided now. */
  observe({ view, workers, nowMs, wallMs }: Look): PoolState | string {
    const { deployment: name } = this.#settings;
    const deployment = view.deployment(name);
    if (deployment === undefined) {
      return `the cluster has no Deployment ${name} for pool ${this.#pool}: nothing is changed`;
    }
    const listed = view.podsOf(name);
    if (listed.length < deployment.podsCounted) {
      return `Deployment ${name} has ${deployment.podsCounted} pods, and ${listed.length} were listed: nothing is changed`;
    }
    this.#nowMs = nowMs;
    const missed = this.#memories.missed(({ name: known }, uid) => {
      return workers.byName.get(known)?.status.draining === false && !view.hasPod(uid);
    }, nowMs);
    if (missed !== undefined) {
      return `worker ${missed} is heard of, and its pod was not listed: nothing is changed`;
    }
    const pods = listed.map((pod): SeenPod => {
      const memory = this.#memories.of(pod);
      const heard = workers.byName.get(pod.name);
      const role = roleOf({ pod, heard, wasHeard: memory.wasHeard, nowMs });
      if (heard !== undefined && !memory.wasHeard) {
        memory.wasHeard = true;
        const seconds = (wallMs - pod.createdAtMs) / 1000;
        // One that was there when we came tells nothing.
        if (heard.heardMs - workers.listeningSinceMs > seconds * 1000)
          this.startTimes.note(seconds);
      }
      memory.idleSinceMs =
        role === 'idle' || role === 'resting' ? (memory.idleSinceMs ?? nowMs) : undefined;
      memory.silentSinceMs = role === 'silent' ? (memory.silentSinceMs ?? nowMs) : undefined;
      const restingSeconds = this.#secondsSince(memory.askedToRestMs);
      if (restingSeconds !== undefined && restingSeconds > REST_SECONDS)
        memory.askedToRestMs = undefined;
      return {
        pod,
        role,
        idleSeconds: this.#secondsSince(memory.idleSinceMs) ?? 0,
        restingSeconds,
      };
    });
    this.#memories.forgetAllBut(listed);
    return { ...this.#stateOf(deployment, pods, wallMs), ageMs: view.ageMs(nowMs) };
  }

  /** `work`: what there is to do, in words. */
  decide(state: PoolState, plan: PoolPlan, work: string): PoolDecision {
    const { deployment } = state;
    const { min, max } = this.#settings;
    const decided: Decide = (replicas, action, marks, rest = []) => {
      this.#said = { replicas, generation: deployment.generation };
      const change = replicas === deployment.replicas ? undefined : { deployment, to: replicas };
      const reason = `${action}; ${countsText(state.pods.map(({ role }) => role))}; ${work}`;
      return { replicas: change, marks: [...this.#holds(state), ...marks], rest, reason };
    };
    // Those that rest are awake again sooner than others would be started.
    const resting = state.pods.filter(({ role }) => role === 'resting').length;
    const add = Math.max(0, plan.add - resting);
    const wanted = Math.max(deployment.replicas, min, Math.min(max, deployment.replicas + add));
    const unmarks = this.#unmarks(state);
    if (wanted > deployment.replicas) {
      const seconds = Math.round(this.startTimes.within(START_SHARE));
      const action = `${deployment.replicas} -> ${wanted} workers, which take about ${seconds} s to start`;
      return decided(wanted, action, unmarks);
    }
    if (plan.add > 0) {
      return decided(wanted, `${wanted} workers stay: those that rest will be needed`, unmarks);
    }
    if (deployment.isRollingOut) {
      return decided(wanted, `${wanted} workers stay: a rollout is under way`, unmarks);
    }
    const going = this.#lowered(state, plan);
    if (going > 0) {
      const to = deployment.replicas - going;
      const action = `${deployment.replicas} -> ${to} workers: ${going} run nothing, and take nothing more`;
      return decided(to, action, unmarks);
    }
    return this.#removal(state, plan, decided);
  }

  /** Asks idle workers to rest, and marks those that do as the first to go. */
  #removal(state: PoolState, plan: PoolPlan, decided: Decide): PoolDecision {
    const { deployment, pods } = state;
    const { min, max, cooldownSeconds } = this.#settings;
    const over = Math.max(0, deployment.replicas - max);
    const resting = pods.filter(({ role }) => role === 'resting');
    const most = deployment.replicas - min - resting.length;
    const room = Math.max(0, Math.min(Math.max(plan.surplus, over - resting.length), most));
    const chosen = pods
      .filter(({ role, idleSeconds }) => role === 'idle' && idleSeconds >= cooldownSeconds)
      .toSorted((a, b) => b.idleSeconds - a.idleSeconds)
      .slice(0, room);
    const marks = [
      ...resting
        .filter((seen) => isResting(seen) && !isMarked(seen))
        .map(({ pod }) => ({ pod, deletionCost: GOING_COST })),
      ...this.#unmarks(state),
    ];
    for (const { pod } of chosen) this.#memories.of(pod).askedToRestMs ??= this.#nowMs;
    const names = (seen: readonly SeenPod[]): string => seen.map(({ pod }) => pod.name).join(', ');
    const rest = chosen.map(({ pod }) => pod.name);
    const { replicas } = deployment;
    if (chosen.length > 0) {
      const action = `${replicas} workers stay until ${names(chosen)} take nothing more: idle, and not needed`;
      return decided(replicas, action, marks, rest);
    }
    if (resting.length > 0) {
      return decided(replicas, `${replicas} workers stay until ${names(resting)} can go`, marks);
    }
    return decided(replicas, stayText(replicas, plan, this.#settings), marks);
  }

  /** By how many replicas can be lowered now, whatever the controller picks. */
  #lowered(state: PoolState, plan: PoolPlan): number {
    const { deployment, pods } = state;
    const { min } = this.#settings;
    const all = pods.map((seen) => ({ ...seen, ...seen.pod }));
    const ready = pods.filter((seen) => isResting(seen) && isMarked(seen));
    const unused = plan.add + plan.later === 0 ? this.#unneededStarts(state, plan) : [];
    const most = Math.min(ready.length + unused.length, deployment.replicas - min);
    const may = new Set([...ready, ...unused].map(({ pod }) => pod.uid));
    for (let count = most; count > 0; count -= 1) {
      // Pods that are still to be made go first.
      const unmade = deployment.replicas - pods.length;
      const first = firstToGo(all, count - Math.max(0, unmade));
      if (unmade <= 0 && first.every(({ uid, pod, role }) => may.has(uid) && isSafeToGo(pod, role)))
        return count;
    }
    return 0;
  }

  /** Pods that run nowhere yet, where nothing is left to do. */
  #unneededStarts({ pods, ageMs }: PoolState, plan: PoolPlan): readonly SeenPod[] {
    if (!plan.isNeedless || ageMs > UNSTARTED_MS_MAX) return [];
    return pods.filter(({ pod, role }) => role === 'starting' && pod.node === undefined);
  }

  /** Keeps cluster autoscalers from pods that have something to do, and from no others. */
  #holds({ pods }: PoolState): PodMarks[] {
    const marks: PodMarks[] = [];
    for (const { pod, role, idleSeconds } of pods) {
      if (role === 'busy' && !pod.isHeld) marks.push({ pod, isHeld: true });
      const isIdle = (role === 'idle' && idleSeconds >= HELD_IDLE_SECONDS) || role === 'resting';
      if (isIdle && pod.isHeld) marks.push({ pod, isHeld: false });
    }
    return marks;
  }

  /** Those that were to go, and take tasks again. */
  #unmarks({ pods }: PoolState): PodMarks[] {
    return pods
      .filter((seen) => isMarked(seen) && (seen.role === 'busy' || seen.role === 'idle'))
      .map(({ pod }) => ({ pod, deletionCost: 0 }));
  }

  #stateOf(
    deployment: DeploymentFacts,
    pods: readonly SeenPod[],
    wallMs: number,
  ): Omit<PoolState, 'ageMs'> {
    const { max, slotsPerWorker } = this.#settings;
    const starting: number[] = [];
    const troubles: string[] = [];
    let hasRoom = true;
    for (const { pod, role } of pods) {
      if (role === 'silent') troubles.push(...this.#silentTexts(pod));
      if (role !== 'starting') continue;
      const since = (wallMs - pod.createdAtMs) / 1000;
      if (since <= this.startTimes.patienceSeconds)
        starting.push(this.startTimes.secondsLeft(since));
      else {
        // Where the cluster has no room for one it has none for another.
        hasRoom &&= pod.node !== undefined;
        troubles.push(stuckText(pod, since, this.startTimes));
      }
    }
    for (let unmade = deployment.replicas - pods.length; unmade > 0; unmade -= 1) {
      starting.push(this.startTimes.secondsLeft(0));
    }
    const resting = pods.filter(({ role }) => role === 'resting').length;
    const working = pods.filter((seen) => this.#isWorking(seen)).length;
    const supply: PoolSupply = {
      slotsPerWorker,
      working,
      idle: pods.filter(({ role }) => role === 'idle').length,
      starting,
      startSeconds: this.startTimes.within(START_SHARE),
      addable: hasRoom ? Math.max(0, max - deployment.replicas + resting) : 0,
    };
    const said = this.#saidByOthers(deployment);
    if (said !== undefined) troubles.push(ownerText(deployment, said));
    return { deployment, pods, supply, troubles };
  }

  #isWorking({ role, pod }: SeenPod): boolean {
    if (role === 'busy' || role === 'idle') return true;
    const silent = this.#secondsSince(this.#memories.of(pod).silentSinceMs) ?? 0;
    return role === 'silent' && silent < SILENT_COUNTS_SECONDS;
  }

  /** What was said last, if somebody has set others since. */
  #saidByOthers({ replicas, generation }: DeploymentFacts): number | undefined {
    const said = this.#said;
    this.#said = { replicas, generation };
    if (said === undefined || said.replicas === replicas) return undefined;
    // Nothing was set: the server did not take what was said.
    return generation !== undefined && generation === said.generation ? undefined : said.replicas;
  }

  #silentTexts(pod: PodFacts): readonly string[] {
    const seconds = this.#secondsSince(this.#memories.of(pod).silentSinceMs) ?? 0;
    return seconds < SILENT_COUNTS_SECONDS ? [] : [silentText(pod, seconds)];
  }

  #secondsSince(ms: number | undefined): number | undefined {
    return ms === undefined ? undefined : (this.#nowMs - ms) / 1000;
  }
}

type Decide = (
  replicas: number,
  action: string,
  marks: readonly PodMarks[],
  rest?: readonly string[],
) => PoolDecision;

/** It was asked to, and will not be awake before the controller has acted. */
function isResting({ role, restingSeconds = Infinity }: SeenPod): boolean {
  return role === 'resting' && restingSeconds <= REST_USED_SECONDS;
}

function isMarked({ pod }: SeenPod): boolean {
  return pod.deletionCost <= GOING_COST;
}
