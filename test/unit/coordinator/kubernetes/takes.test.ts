// Renders that are taken beside the looks: how many, each once, and what becomes of those that nobody waits for any more.

import { describe, expect, it } from 'vitest';

import { BivdiffError } from '../../../../common/errors.ts';
import { FINALIZER } from '../../../../coordinator/kubernetes/renders/resource.ts';
import type { Render } from '../../../../coordinator/kubernetes/renders/resource.ts';
import type { Standing } from '../../../../coordinator/kubernetes/renders/status.ts';
import { takeRender } from '../../../../coordinator/kubernetes/renders/take-render.ts';
import type { TakeDeps, Taking } from '../../../../coordinator/kubernetes/renders/take-render.ts';
import { Takes } from '../../../../coordinator/kubernetes/renders/takes.ts';

const render = (name: string, more: Partial<Render> = {}): Render => ({
  ...{ name, uid: name, resourceVersion: '1', generation: 2, isLeaving: false, status: {} },
  ...{ finalizers: [FINALIZER], source: { path: 'a.mp4' }, sources: {} },
  ...{ settings: {}, priority: 50 },
  ...{ isSuspended: false, ttlSeconds: undefined },
  ...more,
});
const [a, b, c] = [render('a'), render('b'), render('c')];

/** Takes that go on until a test ends them. */
function arrange() {
  const ending = new AbortController();
  const begun: string[] = [];
  const under = new Map<string, PromiseWithResolvers<undefined> & { readonly taking: Taking }>();
  const takes = new Takes({
    ...{ atOnce: 2, signal: ending.signal },
    take: ({ name }, taking) => {
      begun.push(name);
      const work = Promise.withResolvers<undefined>();
      under.set(name, { ...work, taking });
      return work.promise;
    },
  });
  /** As a look does. */
  const look = (...renders: readonly Render[]): void => {
    takes.see(renders);
    takes.offer(renders.filter(({ isLeaving }) => !isLeaving));
  };
  const end = async (name: string, reason?: unknown): Promise<void> => {
    const { resolve, reject } = under.get(name)!;
    if (reason === undefined) resolve(undefined);
    else reject(reason);
    await new Promise(setImmediate);
  };
  const isLetGo = (name: string): boolean => under.get(name)!.taking.signal.aborted;
  return { takes, ending, begun, under, look, end, isLetGo };
}

describe('Renders', () => {
  it('are taken two at once, each once, and the next as soon as one is done', async () => {
    const { begun, look, end } = arrange();
    look(a, b, c);
    look(a, b, c);
    expect(begun).toEqual(['a', 'b']);
    await end('b');
    expect(begun).toEqual(['a', 'b', 'c']);
    look(a, b, c);
    expect(begun).toHaveLength(3);
    await end('a');
    expect(begun.slice(3)).toEqual(['b']);
  });

  it('that leave or are gone are let go of; their places are free once their work has ended', async () => {
    const { begun, look, end, isLetGo } = arrange();
    look(a, b);
    look(render('a', { isLeaving: true }), c);
    expect([isLetGo('a'), isLetGo('b')]).toEqual([true, true]);
    expect(begun).toEqual(['a', 'b']);
    await end('a', new BivdiffError('cancelled', 'let go of'));
    expect(begun).toEqual(['a', 'b', 'c']);
    expect(isLetGo('c')).toBe(false);
  });

  it('that wait are not begun once they are gone', async () => {
    const { takes, begun, look, end } = arrange();
    look(a, b, c);
    takes.see([a, b]);
    await end('a');
    expect(begun).toEqual(['a', 'b']);
  });

  it('are all let go of at the end, and none is begun', async () => {
    const { takes, ending, begun, look, end, isLetGo } = arrange();
    look(a, b, c);
    ending.abort();
    expect([isLetGo('a'), isLetGo('b')]).toEqual([true, true]);
    let isOver = false;
    const over = takes.ended().then(() => (isOver = true));
    await end('a');
    expect(isOver).toBe(false);
    await end('b');
    await over;
    look(a, b, c);
    expect(begun).toEqual(['a', 'b']);
  });

  it('that could not be taken are told of once, unless nobody wants them', async () => {
    const { takes, look, end } = arrange();
    look(a, b);
    await end('a', new BivdiffError('unavailable', 'no answer'));
    look(b);
    look();
    await end('b', new BivdiffError('unavailable', 'of no use'));
    expect(takes.drainFailures().map(({ message }) => message)).toEqual(['no answer']);
    expect(takes.drainFailures()).toEqual([]);
  });
});

/** One Render whose acceptance a test ends; what is done about it, in order. */
function arrangeTake(first: Render) {
  const done: string[] = [];
  const ending = new AbortController();
  const accepting = Promise.withResolvers<undefined>();
  const turn = Promise.withResolvers<undefined>();
  const now = { latest: first };
  const deps: TakeDeps = {
    api: { hold: ({ name }) => Promise.resolve(void done.push(`hold ${name}`)) },
    accept: async () => {
      await accepting.promise;
      const submit = (): Promise<void> => Promise.resolve(void done.push('submit'));
      return { jobId: 'j', warnings: [], submit };
    },
    ...{ priorityMax: 60, nowMs: () => 0, retries: new Map() },
    setStatus: (of: Render, standing: Standing) => {
      const note = standing.kind === 'accepted' ? standing.notes.join() : '';
      done.push(`${standing.kind} ${of.generation} ${note}`.trim());
      return Promise.resolve(false);
    },
    inTurn: (work) => turn.promise.then(work),
  };
  const taken = takeRender(first, deps, { latest: () => now.latest, signal: ending.signal });
  const end = async (
    reason?: BivdiffError,
    inBetween: () => void = () => undefined,
  ): Promise<readonly string[]> => {
    if (reason === undefined) accepting.resolve(undefined);
    else accepting.reject(reason);
    await new Promise(setImmediate);
    // A look may be under way, and see half of it.
    expect(done.filter((step) => !step.startsWith('hold'))).toEqual([]);
    inBetween();
    turn.resolve(undefined);
    await taken;
    return done;
  };
  return { now, ending, deps, end };
}

describe('a Render that is being taken', () => {
  it('gets a job', async () => {
    const { end } = arrangeTake(render('a', { finalizers: [], priority: 80 }));
    const note = 'priority: 60, the most that this farm gives to Renders';
    expect(await end()).toEqual(['hold a', `accepted 2 ${note}`, 'submit', `accepted 2 ${note}`]);
  });

  it('gets none when it was suspended meanwhile, and its status is of what it is now', async () => {
    const { now, end } = arrangeTake(a);
    now.latest = render('a', { isSuspended: true, generation: 3 });
    expect(await end()).toEqual(['accepted 3']);
  });

  it('gets nothing when it was let go of, whether it can be rendered or not', async () => {
    const one = arrangeTake(a);
    one.ending.abort();
    expect(await one.end()).toEqual([]);
    const other = arrangeTake(a);
    other.ending.abort();
    expect(await other.end(new BivdiffError('cancelled', 'let go of'))).toEqual([]);
    expect(other.deps.retries.size).toBe(0);
    // By the look that it waited for.
    const late = arrangeTake(a);
    const letGo = (): void => {
      late.ending.abort();
    };
    expect(await late.end(undefined, letGo)).toEqual([]);
  });

  it('is asked for again later, unless nothing helps', async () => {
    const later = arrangeTake(a);
    expect(await later.end(new BivdiffError('not-found', 'no file'))).toEqual(['undecided 2']);
    expect(later.deps.retries.get('a')).toEqual({ afterMs: 5_000, tries: 1 });
    const never = arrangeTake(a);
    const large = new BivdiffError('resource-exhausted', 'too large', { retry: 'never' });
    expect(await never.end(large)).toEqual(['refused 2']);
    expect(never.deps.retries.size).toBe(0);
  });
});
