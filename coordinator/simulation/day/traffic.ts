// The jobs of a simulated day: few at night, many by day, and now and then many at once. A function of the seed.

export interface DayTraffic {
  readonly seed: number;
  /** Jobs that come one by one over 24 hours, on average. */
  readonly singles: number;
  /** How often many come at once, and how many then, at least and at most. */
  readonly bursts: number;
  readonly burstJobs: readonly [least: number, most: number];
  /** Frames of a job: log-normal around a median, within bounds. */
  readonly frames: { readonly median: number; readonly sigma: number; readonly max: number };
}

export interface DayJob {
  readonly atSeconds: number;
  readonly frames: number;
}

export const DAY_SECONDS = 86_400;
/** A burst is submitted within so many seconds. */
const BURST_SECONDS = 120;
/** Traffic at the quietest hour over that at the busiest. */
const NIGHT_SHARE = 0.15;
const FRAMES_MIN = 16;

/** In order of coming. */
export function jobsOfDay(traffic: DayTraffic): readonly DayJob[] {
  const random = randomOf(traffic.seed);
  const jobs: DayJob[] = [];
  const add = (atSeconds: number): void => {
    jobs.push({ atSeconds, frames: framesOf(traffic, random) });
  };
  for (let job = 0; job < traffic.singles; job += 1) add(timeOfDay(random));
  for (let burst = 0; burst < traffic.bursts; burst += 1) {
    const at = timeOfDay(random) * (1 - BURST_SECONDS / DAY_SECONDS);
    const [least, most] = traffic.burstJobs;
    const count = least + Math.floor(random() * (most - least + 1));
    for (let job = 0; job < count; job += 1) add(at + random() * BURST_SECONDS);
  }
  return jobs.sort((a, b) => a.atSeconds - b.atSeconds);
}

/** Seconds since midnight; busiest at 14 o'clock. */
function timeOfDay(random: () => number): number {
  for (;;) {
    const at = random() * DAY_SECONDS;
    const height = (1 + Math.cos(2 * Math.PI * (at / DAY_SECONDS - 14 / 24))) / 2;
    if (random() < NIGHT_SHARE + (1 - NIGHT_SHARE) * height) return at;
  }
}

function framesOf({ frames }: DayTraffic, random: () => number): number {
  const drawn = frames.median * Math.exp(frames.sigma * normalOf(random));
  return Math.round(Math.min(frames.max, Math.max(FRAMES_MIN, drawn)));
}

export function normalOf(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Numbers from 0 up to 1, the same for the same seed (a counter hashed by MurmurHash3's finaliser). */
export function randomOf(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b9) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}
