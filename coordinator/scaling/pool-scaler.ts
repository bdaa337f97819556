// One pool: what its pods are, and what becomes of them. Remembers what no list tells: since when a worker is idle, which was asked to rest.

import type { Look, PodMarks, ReplicasChange } from './decision.ts';
import { firstToGo } from './deletion-order.ts';
import type { DeploymentFacts, PodFacts } from './farm-view.ts';
import type { PoolPlan, PoolSupply } from './plan-workers.ts';
import type { ScaledPool } from './predicted-work.ts';
import type { PoolSettings } from './settings.ts';
import { StartTimes } from './start-times.ts';
import { isSafeToGo, roleOf } from './worker-pods.ts';
import type { PodRole } from './worker-pods.ts';

/** The cost of a pod that shall go before all others. */
export const GOING_COST = -1_000;
/** A worker that was asked to rest does so for so long, and then takes tasks again. */
export const REST_SECONDS = 60;
/** Replicas are lowered for it only in the first part of that: the controller shall have ended it before it wakes. */
const REST_USED_SECONDS = REST_SECONDS / 2;
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
  readonly deployment: DeploymentFacts;
  readonly pods: readonly SeenPod[];
  readonly supply: PoolSupply;
  readonly troubles: readonly string[];
}

export interface PoolDecision {
  readonly replicas: ReplicasChange | undefined;
  readonly marks: readonly PodMarks[];
  readonly rest: readonly string[];
  readonly reason: string;
}

/** What is remembered of a pod while it is there. */
interface Memory {
  wasHeard: boolean;
  idleSinceMs: number | undefined;
  silentSinceMs: number | undefined;
  askedToRestMs: number | undefined;
}

export class PoolScaler {
  readonly startTimes: StartTimes;
  readonly #pool: ScaledPool;
  readonly #settings: PoolSettings;
  readonly #memories = new Map<string, Memory>();
  #nowMs = 0;
  /** What was said last: who sets something else is another owner. */
  #saidReplicas: number | undefined;

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
    const pods = listed.map((pod): SeenPod => {
      const memory = this.#memoryOf(pod.uid);
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
    this.#forgetAllBut(listed);
    return this.#stateOf(deployment, pods, wallMs);
  }

  /** `work`: what there is to do, in words. */
  decide(state: PoolState, plan: PoolPlan, work: string): PoolDecision {
    const { deployment } = state;
    const { min, max } = this.#settings;
    const marks = this.#holds(state);
    const decided = (
      replicas: number,
      action: string,
      more: Partial<PoolDecision> = {},
    ): PoolDecision => {
      if (replicas !== deployment.replicas || this.#saidReplicas === undefined)
        this.#saidReplicas = replicas;
      const change = replicas === deployment.replicas ? undefined : { deployment, to: replicas };
      const reason = `${action}; ${countsText(state)}; ${work}`;
      return { replicas: change, marks, rest: [], reason, ...more };
    };
    const wanted = Math.min(
      Math.max(max, deployment.replicas),
      Math.max(min, deployment.replicas + plan.add),
    );
    if (wanted > deployment.replicas) {
      const seconds = Math.round(this.startTimes.within(START_SHARE));
      const action = `${deployment.replicas} -> ${wanted} workers, which take about ${seconds} s to start`;
      return decided(wanted, action, { marks: [...marks, ...this.#unmarks(state, [])] });
    }
    if (deployment.isRollingOut)
      return decided(deployment.replicas, 'a rollout is under way: none is removed');
    const going = this.#lowered(state, plan);
    if (going > 0) {
      const to = deployment.replicas - going;
      return decided(
        to,
        `${deployment.replicas} -> ${to} workers: ${going} run nothing, and take nothing more`,
      );
    }
    return this.#removal(state, plan, decided);
  }

  /** Chooses idle workers to go: marks them, and once the marks are seen asks them to rest. */
  #removal(
    state: PoolState,
    plan: PoolPlan,
    decided: (replicas: number, action: string, more?: Partial<PoolDecision>) => PoolDecision,
  ): PoolDecision {
    const { deployment, pods } = state;
    const { min, max, cooldownSeconds } = this.#settings;
    const over = Math.max(0, deployment.replicas - max);
    const room = Math.max(0, Math.min(plan.surplus, deployment.replicas - min), over);
    const chosen = pods
      .filter(
        ({ role, idleSeconds }) => role === 'idle' && (over > 0 || idleSeconds >= cooldownSeconds),
      )
      .toSorted(
        (a, b) => Number(isMarked(b)) - Number(isMarked(a)) || b.idleSeconds - a.idleSeconds,
      )
      .slice(0, room);
    const fresh = chosen.filter((seen) => !isMarked(seen));
    const marked = chosen.filter(isMarked);
    const marks = [
      ...this.#holds(state).filter(({ pod }) => !fresh.some((seen) => seen.pod.uid === pod.uid)),
      ...fresh.map(({ pod }) => ({
        pod,
        deletionCost: GOING_COST,
        ...(pod.isHeld && { isHeld: false }),
      })),
      ...this.#unmarks(state, chosen),
    ];
    for (const { pod } of marked) this.#memoryOf(pod.uid).askedToRestMs ??= this.#nowMs;
    const rest = marked.map(({ pod }) => pod.name);
    if (chosen.length === 0)
      return decided(deployment.replicas, this.#stayText(state, plan), { marks });
    const names = chosen.map(({ pod }) => pod.name).join(', ');
    return decided(deployment.replicas, `removing ${names}: idle, and not needed`, { marks, rest });
  }

  /** By how many replicas can be lowered now, whatever the controller picks. */
  #lowered(state: PoolState, plan: PoolPlan): number {
    const { deployment, pods } = state;
    const { min } = this.#settings;
    const all = pods.map((seen) => ({ ...seen, ...seen.pod }));
    const ready = pods.filter(
      ({ role, restingSeconds = Infinity }) =>
        role === 'resting' && restingSeconds <= REST_USED_SECONDS,
    );
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
  #unneededStarts({ pods }: PoolState, plan: PoolPlan): readonly SeenPod[] {
    return plan.isNeedless
      ? pods.filter(({ pod, role }) => role === 'starting' && pod.node === undefined)
      : [];
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

  /** Those that were to go and need not, or have got something to do. */
  #unmarks({ pods }: PoolState, chosen: readonly SeenPod[]): PodMarks[] {
    const staying = pods.filter(
      (seen) =>
        isMarked(seen) && (seen.role === 'busy' || seen.role === 'idle') && !chosen.includes(seen),
    );
    return staying.map(({ pod }) => ({ pod, deletionCost: 0 }));
  }

  #stateOf(deployment: DeploymentFacts, pods: readonly SeenPod[], wallMs: number): PoolState {
    const { max, slotsPerWorker } = this.#settings;
    const starting: number[] = [];
    const troubles: string[] = [];
    let hasRoom = true;
    for (const { pod, role, restingSeconds = 0 } of pods) {
      if (role === 'resting') starting.push(Math.max(1, REST_SECONDS - restingSeconds));
      if (role === 'silent') troubles.push(...this.#silentText(pod));
      if (role !== 'starting') continue;
      const since = (wallMs - pod.createdAtMs) / 1000;
      if (since <= this.startTimes.patienceSeconds)
        starting.push(this.startTimes.secondsLeft(since));
      else {
        // Where the cluster has no room for one it has none for another.
        hasRoom &&= pod.node !== undefined;
        troubles.push(this.#stuckText(pod, since));
      }
    }
    for (let unmade = deployment.replicas - pods.length; unmade > 0; unmade -= 1) {
      starting.push(this.startTimes.secondsLeft(0));
    }
    const working = pods.filter((seen) => this.#isWorking(seen)).length;
    const supply: PoolSupply = {
      slotsPerWorker,
      working,
      idle: pods.filter(({ role }) => role === 'idle').length,
      starting,
      startSeconds: this.startTimes.within(START_SHARE),
      addable: hasRoom ? Math.max(0, max - deployment.replicas) : 0,
    };
    return { deployment, pods, supply, troubles: [...troubles, ...this.#ownerText(deployment)] };
  }

  #isWorking({ role, pod }: SeenPod): boolean {
    if (role === 'busy' || role === 'idle') return true;
    const silent = this.#secondsSince(this.#memoryOf(pod.uid).silentSinceMs) ?? 0;
    return role === 'silent' && silent < SILENT_COUNTS_SECONDS;
  }

  #ownerText({ name, replicas, replicasSetBy }: DeploymentFacts): readonly string[] {
    const said = this.#saidReplicas;
    this.#saidReplicas = replicas;
    if (said === undefined || said === replicas) return [];
    const who = replicasSetBy === undefined ? 'somebody else' : `"${replicasSetBy}"`;
    return [
      `${who} has set replicas of Deployment ${name} from ${said} to ${replicas}: the scaler is to be their one owner; remove the other (an HPA, KEDA, a chart that sets replicas)`,
    ];
  }

  #silentText({ name, uid }: PodFacts): readonly string[] {
    const seconds = this.#secondsSince(this.#memoryOf(uid).silentSinceMs) ?? 0;
    if (seconds < SILENT_COUNTS_SECONDS) return [];
    return [
      `worker ${name} has not been heard of for ${Math.round(seconds)} s, and its pod runs: it is left alone and not counted on (kubectl logs ${name})`,
    ];
  }

  #stuckText({ name, trouble }: PodFacts, since: number): string {
    const { count, patienceSeconds } = this.startTimes;
    const seen = count === 0 ? 'is expected to take' : `of ${count} starts took`;
    const why = trouble === undefined ? '' : `: ${trouble}`;
    return `pod ${name} has been starting for ${Math.round(since)} s; none ${seen} more than ${Math.round(patienceSeconds)} s, so it is not counted on${why}`;
  }

  #stayText({ deployment, pods }: PoolState, plan: PoolPlan): string {
    const { min, cooldownSeconds } = this.#settings;
    const now = `${deployment.replicas} workers stay`;
    if (plan.later > 0)
      return `${now}: ${plan.later} more will be needed, and would have nothing to do yet`;
    const resting = pods.some(({ role }) => role === 'resting');
    if (resting) return `${now}: one that is to go is waited for`;
    if (plan.surplus === 0 || deployment.replicas <= min) return now;
    return `${now}: ${plan.surplus} could go once idle for ${cooldownSeconds} s`;
  }

  #memoryOf(uid: string): Memory {
    let memory = this.#memories.get(uid);
    if (memory === undefined) {
      memory = {
        wasHeard: false,
        idleSinceMs: undefined,
        silentSinceMs: undefined,
        askedToRestMs: undefined,
      };
      this.#memories.set(uid, memory);
    }
    return memory;
  }

  #forgetAllBut(pods: readonly PodFacts[]): void {
    const there = new Set(pods.map(({ uid }) => uid));
    for (const uid of this.#memories.keys()) if (!there.has(uid)) this.#memories.delete(uid);
  }

  #secondsSince(ms: number | undefined): number | undefined {
    return ms === undefined ? undefined : (this.#nowMs - ms) / 1000;
  }
}

function isMarked({ pod }: SeenPod): boolean {
  return pod.deletionCost <= GOING_COST;
}

function countsText({ pods }: PoolState): string {
  const counts = new Map<PodRole, number>();
  for (const { role } of pods) counts.set(role, (counts.get(role) ?? 0) + 1);
  if (counts.size === 0) return 'no pod';
  return [...counts].map(([role, count]) => `${count} ${role}`).join(', ');
}
