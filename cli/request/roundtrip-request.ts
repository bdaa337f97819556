// From the flags of roundtrip to a checked request: those of render that say which frames are taken and what is written, with the same
// ranges and the same words about mistakes.

import { BivdiffError } from '../../common/errors.ts';
import type { RenderSpec } from '../../recipes/spec/schema.ts';
import type { TypedFlags } from '../flags/render-flags.ts';
import type { CliEnvironment } from '../terminal.ts';
import { requestFromFlags } from './render-request.ts';
import type { RenderRequest } from './render-request.ts';
import { layerOfFlags } from './run-options.ts';
import { EMPTY_LAYER, fieldOf, mergeLayers } from './spec-layer.ts';
import type { SpecLayer } from './spec-layer.ts';

/** The flags of render that a roundtrip has. */
export const ROUNDTRIP_FLAGS = [
  'frames',
  'start',
  'stride',
  'size',
  'resize',
  'format',
  'fps',
  'audio',
  'overwrite',
  'json',
  'quiet',
] as const;

export interface RoundtripRequest {
  readonly input: string;
  readonly output: string;
  /** Undefined: all that there are. */
  readonly frames: number | undefined;
  readonly start: number;
  readonly stride: number;
  /** Undefined: as the source is shown. */
  readonly size: { readonly width: number; readonly height: number } | undefined;
  readonly resize: RenderSpec['resize'];
  readonly format: RenderSpec['output']['format'];
  /** Undefined: the source's. */
  readonly framesPerSecond: number | undefined;
  readonly keepsSound: boolean;
  readonly nameOf: RenderRequest['nameOf'];
}

/** A render without models is checked as one whose frames are ready-made; of a prompt nobody asks here. */
const UNASKED: SpecLayer = {
  ...EMPTY_LAYER,
  fields: { task: 'frames', prompt: '-', input: { stride: 1 } },
};

/** @throws invalid-argument — lists every problem */
export function roundtripRequest(
  input: string,
  output: string,
  flags: { readonly typed: TypedFlags; readonly environment: Pick<CliEnvironment, 'folder'> },
): RoundtripRequest {
  const typed = withOwnNames(layerOfFlags({ ...flags.typed, input, output }, flags.environment));
  const layer = mergeLayers([UNASKED, typed]);
  const options = { needsOutput: true, command: 'roundtrip' } as const;
  const { spec, files, nameOf } = inOwnNames(() => requestFromFlags(layer, options));
  if (spec.part !== undefined) {
    throw new BivdiffError('invalid-argument', '--frames: a part of a clip is for bivdiff render', {
      hint: 'Give a number of frames, and --start for the first of them.',
    });
  }
  const isTyped = (field: string): boolean => fieldOf(typed.fields, field) !== undefined;
  return {
    input: spec.input.path,
    output: files.output!,
    frames: isTyped('frames') ? spec.frames : undefined,
    ...{ start: spec.input.start, stride: spec.input.stride },
    ...{ size: spec.size, resize: spec.resize, format: spec.output.format },
    framesPerSecond: isTyped('output.framesPerSecond') ? spec.output.framesPerSecond : undefined,
    keepsSound: spec.output.audio === 'keep',
    nameOf: (field) => ownName(nameOf(field)),
  };
}

/** Source and output have no flags here: they are called as in the usage. */
function ownName(text: string): string {
  return text.replace(/^--(in|out)put(?=$|[: ])/, (_, which: string) => which.toUpperCase());
}

function withOwnNames(layer: SpecLayer): SpecLayer {
  const names = new Map([...layer.names].map(([field, name]) => [field, ownName(name)]));
  return { ...layer, names, problems: layer.problems.map(ownName) };
}

/** What nobody gave is called by its flag: by the one of render. */
function inOwnNames<T>(check: () => T): T {
  try {
    return check();
  } catch (reason) {
    const { code, details, hint } = BivdiffError.from(reason);
    const { problems } = details;
    if (!Array.isArray(problems)) throw reason;
    const named = problems.map((problem) => ownName(String(problem)));
    throw new BivdiffError(code, named.join('; '), {
      ...(hint === undefined ? {} : { hint }),
      details: { problems: named },
      cause: reason,
    });
  }
}
