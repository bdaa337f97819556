// Goal: Ctrl-C ends a render within a step, says what is kept, and the same command goes on there. Method: SIGINT to the real
// program on the models that ship, in the middle of the pipeline.

import type { ChildProcess } from 'node:child_process';

import { describe, expect, it } from 'vitest';

import { endOfCli, startCli } from '../../support/cli-process.ts';
import { casesOf } from '../../support/thorough.ts';
import { SOURCE, bivdiff, createWorkplace, jsonOf } from './workplace.ts';
import type { Workplace } from './workplace.ts';

function flags(place: Workplace, name: string): string[] {
  return [
    ...['render', '--json', '--task', 'controlnet', '--input', SOURCE, '--frames', '2'],
    ...['--prompt', 'a red star', '--steps', '5', '--size', '64x64', '--mixing-ratio', '0.5'],
    ...['--store', place.path(`${name}-store`), '--output', place.path('out', `${name}.mp4`)],
  ];
}

async function said(child: ChildProcess, text: string): Promise<void> {
  let heard = '';
  return new Promise((resolve) => {
    child.stderr!.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
      if (heard.includes(text)) resolve();
    });
  });
}

describe('Ctrl-C', () => {
  it('stops, keeps what is done, and the same command goes on', async () => {
    await using place = await createWorkplace();
    const child = startCli(flags(place, 'stopped'));
    const end = endOfCli(child);
    await said(child, 'generate: 1 task done');
    child.kill('SIGINT');
    const stopped = await end;
    expect(stopped.code, stopped.stderr).toBe(130);
    expect(stopped.signal).toBeNull();
    expect(stopped.stderr).toMatch(
      /stopped; (\d+) tasks are in the store at .*stopped-store; run the same command again to go on/,
    );
    expect(stopped.stderr).not.toContain('error');
    expect(await place.outputs()).toEqual([]);
    const { error } = jsonOf<{ error: { code: string; details: { tasksInStore: number } } }>(
      stopped,
    );
    expect(error.code).toBe('cancelled');

    interface Report {
      sha256: string;
      tasks: { run: number; reused: number };
    }
    const resumed = jsonOf<Report>(await bivdiff(...flags(place, 'stopped')));
    expect(resumed.tasks.reused).toBeGreaterThanOrEqual(error.details.tasksInStore);
    expect(resumed.tasks.run).toBeGreaterThan(0);
    const whole = jsonOf<Report>(await bivdiff(...flags(place, 'whole')));
    expect(resumed.sha256).toBe(whole.sha256);
    expect(resumed.tasks.run + resumed.tasks.reused).toBe(whole.tasks.run);
  });

  // Lanes are inside ONNX Runtime then, which takes it ill when its thread is stopped: whenever the second comes, it must not show.
  const seconds = [
    ['SIGINT', 5],
    ['SIGINT', 40],
    ['SIGINT', 150],
    ['SIGTERM', 40],
  ] as const;
  it.each(casesOf(seconds, ([signal, delayMs]) => signal === 'SIGINT' && delayMs === 40))(
    'ends at once with 130 at a second %s, %i ms later',
    async (signal, delayMs) => {
      await using place = await createWorkplace();
      // Large enough that the running step outlasts the delays: what has stopped by itself ends by whatever signal comes then.
      const steps = ['--steps', '200', '--size', '768x768'];
      const child = startCli([...flags(place, 'twice'), ...steps]);
      const end = endOfCli(child);
      await said(child, 'annotate: 1 task done');
      // Models are loaded, and the first step has begun.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      child.kill(signal);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      child.kill(signal);
      const stopped = await end;
      expect(stopped.stderr).not.toMatch(/terminate called|Napi/);
      expect(stopped).toMatchObject({ code: 130, signal: null });
      expect(await place.outputs()).toEqual([]);
    },
  );
});
