// `bivdiff roundtrip`: a source's frames decoded and encoded again, with no models between. Shows what a render is given, and what becomes
// of what it draws.

import { relative } from 'node:path';

import type { Command } from 'commander';

import { BivdiffError } from '../../common/errors.ts';
import type { VideoFacts } from '../../workers/media/media-types.ts';
import { addRenderFlags } from '../flags/render-flags.ts';
import type { TypedFlags } from '../flags/render-flags.ts';
import { planRoundtrip, refuseExisting, roundtripToFile } from '../local/roundtrip-to-file.ts';
import type { RoundtripPlan, RoundtripResult } from '../local/roundtrip-to-file.ts';
import { formatBytes, plural } from '../output/format.ts';
import { createFrameProgress } from '../output/frame-progress.ts';
import { checkPlaces } from '../output/place-outputs.ts';
import { EXIT_OK } from '../output/exit-codes.ts';
import { rateText, treatmentOf } from '../output/source-facts.ts';
import { ROUNDTRIP_FLAGS, roundtripRequest } from '../request/roundtrip-request.ts';
import type { RoundtripRequest } from '../request/roundtrip-request.ts';
import { printJson } from '../terminal.ts';
import type { CliEnvironment } from '../terminal.ts';

const EXAMPLES = `
Examples:
  bivdiff roundtrip clip.mov out.mp4
  bivdiff roundtrip clip.mp4 frames/ --start 20 --frames 8 --stride 4 --size 512x512
  bivdiff roundtrip frames/ clip.webm --fps 24

Frames are read and written by the code that renders use, with no models and no store. What is done to them on the
way (turned, stretched, tone-mapped) is told; bivdiff probe tells it without writing anything.`;

/** Flags that mean the same as those of render, and begin from the source instead of the models. */
const DOCS = {
  frames: 'Frames to take (1 to 1000000; default: all from --start on)',
  stride: 'Source frames from one taken frame to the next (1 to 10000; default: 1)',
  size: 'Size of the frames in pixels (default: as the source is shown)',
  fps: "Frames per second of the output (above 0, up to 120; default: the source's, 8 for pictures)",
  overwrite: 'Replace the output if it exists',
};

/** Adds the command. `finish` takes the exit code. */
export function addRoundtripCommand(
  program: Command,
  environment: CliEnvironment,
  finish: (exitCode: number) => void,
): void {
  const command = program
    .command('roundtrip')
    .summary('Read a video and write it again')
    .description('Read a video and write it again, with no models: shows what goes in and out')
    .argument('<in>', 'A video, an animated picture or a folder of pictures')
    .argument('<out>', 'Where it goes; a folder takes one PNG per frame');
  addRenderFlags(command, { only: ROUNDTRIP_FLAGS, docs: DOCS })
    .addHelpText('after', EXAMPLES)
    .action(async (input: string, output: string, typed: TypedFlags) => {
      const request = roundtripRequest(input, output, { typed, environment });
      await run(request, typed, environment);
      finish(EXIT_OK);
    });
}

async function run(
  request: RoundtripRequest,
  typed: TypedFlags,
  environment: CliEnvironment,
): Promise<void> {
  const overwrite = typed['overwrite'] === true;
  await checkPlaces([request.output], { kept: false });
  if (!overwrite) await refuseExisting(request.output);
  const { createMediaService } = await import('../../workers/media/media-service.ts');
  const signal = environment.interruption();
  const begunMs = environment.clock.nowMs();
  await using media = createMediaService();
  media.start();
  try {
    const facts = await media.probe(request.input, { signal });
    const plan = planRoundtrip(request, facts);
    const { stderr: terminal, clock } = environment;
    const isQuiet = typed['quiet'] === true;
    if (!isQuiet)
      terminal.write(
        treatmentOf(facts, plan)
          .map(({ about, done }) => `${about}: ${done}\n`)
          .join(''),
      );
    const progress = createFrameProgress({ terminal, clock, total: plan.frames });
    const onFrame = (done: number): void => {
      if (!isQuiet) progress.update(done);
    };
    const result = await roundtripToFile({
      ...{ media, request, plan, overwrite, signal, onFrame },
    }).finally(() => {
      progress.end();
    });
    const wallSeconds = Math.round(clock.nowMs() - begunMs) / 1000;
    if (typed['json'] === true) {
      printJson(environment.stdout, reportOf(request, { facts, plan, result, wallSeconds }));
    } else environment.stdout.write(summaryText(request, { plan, result }, environment.folder));
  } catch (reason) {
    if (!signal.aborted) throw reason;
    throw new BivdiffError('cancelled', 'stopped; nothing was written', { cause: reason });
  }
}

interface Done {
  readonly facts: VideoFacts;
  readonly plan: RoundtripPlan;
  readonly result: RoundtripResult;
  readonly wallSeconds: number;
}

function reportOf(request: RoundtripRequest, { facts, plan, result, wallSeconds }: Done): object {
  const { frames, width, height, framesPerSecond } = plan;
  const { input, start, stride, resize, format, output } = request;
  return {
    kind: 'bivdiff-roundtrip',
    source: {
      path: input,
      frames: facts.frames,
      framesPerSecond: facts.framesPerSecond,
      shown: { width: facts.width, height: facts.height },
    },
    treatment: treatmentOf(facts, plan),
    taken: { frames, start, stride, resize },
    output: {
      path: output,
      format,
      ...{ frames, width, height },
      // A sequence has no rate.
      ...(format.endsWith('-sequence') ? {} : { framesPerSecond, rate: rateText(framesPerSecond) }),
      ...result,
    },
    wallSeconds,
  };
}

/** `24 frames of 160x96 at 12 a second, 27.1 KiB, sha256 0f3a...: out.mp4`. */
function summaryText(
  { output, format }: RoundtripRequest,
  { plan, result }: Pick<Done, 'plan' | 'result'>,
  folder: string,
): string {
  const { frames, width, height, framesPerSecond } = plan;
  const { bytes, sha256 } = result;
  const rate = format.endsWith('-sequence') ? '' : ` at ${rateText(framesPerSecond)} a second`;
  const near = relative(folder, output);
  const place = near.startsWith('..') ? output : `${near}${output.endsWith('/') ? '/' : ''}`;
  const what = `${plural(frames, 'frame')} of ${width}x${height}${rate}`;
  return `${what}, ${formatBytes(bytes)}, sha256 ${sha256}: ${place}\n`;
}
