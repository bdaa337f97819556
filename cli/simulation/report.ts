// What a simulation found, as JSON and as text. Pure.

import { TIME_ACCOUNTS } from '../../coordinator/simulation/slot-ledger.ts';
import type { PoolTime } from '../../coordinator/simulation/slot-ledger.ts';
import { slotsOf, WORKER_POOLS } from '../../coordinator/simulation/scenario.ts';
import type { Scenario } from '../../coordinator/simulation/scenario.ts';
import type { SimulationResult } from '../../coordinator/simulation/simulation-result.ts';
import { formatBytes, formatSeconds, formatTable, plural } from '../output/format.ts';

export interface SimulationReport {
  readonly scenario: Scenario;
  readonly result: SimulationResult;
  readonly peakMemoryBytes: number;
}

/** Real cost of one coordinator in such a run. */
interface CoordinatorCost {
  readonly seconds: number;
  readonly events: number;
  /** Undefined where no time was measured. */
  readonly eventsPerSecond: number | undefined;
  /** Workers at which it would need a second for each second that passes, were each event as costly as here. */
  readonly workersMax: number | undefined;
}

export function simulationJson({ scenario, result, peakMemoryBytes }: SimulationReport): object {
  const { bound, makespanSeconds, real } = result;
  const cost = costOf(scenario, result);
  const pools = WORKER_POOLS.map((pool, index) => {
    const time = result.pools[index]!;
    const slots = slotsOf(scenario, pool);
    return [pool, { slots, utilisation: shareOf(time, 'busy'), slotSeconds: time }];
  });
  return {
    scenario,
    tasks: result.tasks,
    jobs: { done: result.jobsDone, failed: result.jobsFailed, unserved: result.jobsUnserved },
    makespanSeconds,
    bound: {
      seconds: bound.makespan,
      because: bound.because,
      ...{ area: bound.area, rounds: bound.rounds, chain: bound.chain },
    },
    ratio: ratioOf(result) ?? null,
    pools: Object.fromEntries(pools) as object,
    attempts: result.attempts,
    workersLost: result.deaths,
    coordinator: {
      realSeconds: cost.seconds,
      events: cost.events,
      eventsPerSecond: cost.eventsPerSecond ?? null,
      workersMax: cost.workersMax ?? null,
      troubles: result.troubles,
    },
    realSeconds: real.totalSeconds,
    peakMemoryBytes,
  };
}

export function simulationText(report: SimulationReport): string {
  const { scenario, result } = report;
  const { attempts } = result;
  const workers = workersOf(scenario);
  const counts = WORKER_POOLS.map((pool) => `${pool} ${scenario.pools[pool].workers}`).join(', ');
  const ratio = ratioOf(result);
  const failed = result.jobsFailed === 0 ? '' : `, ${result.jobsFailed} failed`;
  const unserved = result.jobsUnserved === 0 ? '' : `, ${result.jobsUnserved} that nobody serves`;
  const wasted = [
    ...(attempts.failed === 0 ? [] : [plural(attempts.failed, 'failed attempt')]),
    ...(attempts.cancelled === 0 ? [] : [`${attempts.cancelled} stopped`]),
    ...(result.deaths === 0
      ? []
      : [`${plural(result.deaths, 'worker')} lost, with ${plural(attempts.lost, 'task')}`]),
  ];
  return [
    `farm      ${plural(workers, 'worker')}: ${counts}\n`,
    `jobs      ${scenario.jobs} of ${plural(scenario.frames, 'frame')} (window ${scenario.window}, frame batch ${scenario.frameBatch}), `,
    `${plural(result.tasks, 'task')}: ${result.jobsDone} done${failed}${unserved}\n`,
    ...(wasted.length === 0 ? [] : [`trouble   ${wasted.join('; ')}\n`]),
    `makespan  ${seconds(result.makespanSeconds)}\n`,
    `bound     ${seconds(result.bound.makespan)}, by ${result.bound.because}: no schedule of the jobs that were done is shorter\n`,
    `ratio     ${ratio === undefined ? '-' : ratio.toFixed(3)}\n`,
    "\nWhere the time of the slots went, in percent of each pool's:\n\n",
    lossTable(scenario, result),
    LEGEND,
    `\n${coordinatorText(report)}`,
  ].join('');
}

function lossTable(scenario: Scenario, result: SimulationResult): string {
  const rows = WORKER_POOLS.map((pool, index) => {
    const time = result.pools[index]!;
    const shares = TIME_ACCOUNTS.map((account) =>
      // As text, to the right, or whole numbers would lose their digit.
      (100 * shareOf(time, account)).toFixed(1).padStart(account.length),
    );
    return [pool, slotsOf(scenario, pool), ...shares];
  });
  return formatTable(['pool', 'slots', ...TIME_ACCOUNTS], rows);
}

const LEGEND = `
busy: tasks that were committed. straggling: what some took beyond their own time. repeated: attempts that failed,
were stopped, or ended with their worker. away: lost workers. filling: idle before the first task of the pool.
starved: idle though more was to come. tail: idle since the pool was last busy as a whole.
`;

function coordinatorText({ scenario, result, peakMemoryBytes }: SimulationReport): string {
  const { real } = result;
  const { seconds: own, events, eventsPerSecond, workersMax } = costOf(scenario, result);
  const lines = [
    `coordinator  took in ${plural(events, 'event')} in ${seconds(own)} of its own real time`,
    eventsPerSecond === undefined ? '\n' : `: ${inThousands(eventsPerSecond)} a second\n`,
    `simulation   ${formatSeconds(real.totalSeconds)}, ${formatBytes(peakMemoryBytes)} at most\n`,
    ...(result.troubles === 0 ? [] : [`troubles     ${result.troubles}: a defect to look at\n`]),
  ];
  if (workersMax === undefined) return lines.join('');
  return `${lines.join('')}
The limit of one coordinator: with work like this, on this machine, about ${inThousands(workersMax)} workers would keep it busy all the
time. That covers planning and dispatch; not the network, the bus, the store on disk and clients, and no
events about steps.
`;
}

function costOf(scenario: Scenario, { real, events, makespanSeconds }: SimulationResult) {
  const seconds = real.coordinatorSeconds;
  const isMeasured = seconds > 0 && makespanSeconds > 0;
  const eventsPerSecond = isMeasured ? events / seconds : undefined;
  const perWorker = events / makespanSeconds / workersOf(scenario);
  const workersMax = eventsPerSecond === undefined ? undefined : eventsPerSecond / perWorker;
  return { seconds, events, eventsPerSecond, workersMax } satisfies CoordinatorCost;
}

function workersOf(scenario: Scenario): number {
  return WORKER_POOLS.reduce((sum, pool) => sum + scenario.pools[pool].workers, 0);
}

function ratioOf({ bound, makespanSeconds }: SimulationResult): number | undefined {
  return bound.makespan > 0 ? makespanSeconds / bound.makespan : undefined;
}

function shareOf(time: PoolTime, account: keyof PoolTime): number {
  const total = TIME_ACCOUNTS.reduce((sum, one) => sum + time[one], 0);
  return total === 0 ? 0 : time[account] / total;
}

/** With one digit: runs are compared by it. */
function seconds(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} s`;
}

/** Two digits count; the rest is noise. */
function inThousands(value: number): string {
  return Number(value.toPrecision(2)).toLocaleString('en');
}
