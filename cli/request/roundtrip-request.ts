// From the flags of roundtrip to a checked request: those of render that say which frames are taken and what is written, with the same
// ranges and the same words about mistakes.

import type { RenderSpec } from '../../recipes/spec/schema.ts';
import type { TypedFlags } from '../flags/render-flags.ts';
import type { CliEnvironment } from '../terminal.ts';
import { requestFromFlags } from './render-request.ts';
import type { RenderRequest } from './render-request.ts';
import { layerOfFlags } from './run-options.ts';
import { fieldOf, mergeLayers } from './spec-layer.ts';
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
  readonly nameOf: RenderRequest['nameOf'];
}

/** A render without models is checked as one whose frames are ready-made; of a prompt nobody asks here. */
const UNASKED: SpecLayer = {
  fields: { task: 'frames', prompt: '-', input: { stride: 1 } },
  files: {},
  names: new Map(),
  problems: [],
};

/** @throws invalid-argument — lists every problem */
export function roundtripRequest(
  input: string,
  output: string,
  flags: { readonly typed: TypedFlags; readonly environment: Pick<CliEnvironment, 'folder'> },
): RoundtripRequest {
  const typed = layerOfFlags({ ...flags.typed, input, output }, flags.environment);
  const layer = mergeLayers([UNASKED, typed]);
  const options = { needsOutput: true, command: 'roundtrip' } as const;
  const { spec, files, nameOf } = requestFromFlags(layer, options);
  const isTyped = (field: string): boolean => fieldOf(typed.fields, field) !== undefined;
  return {
    input: spec.input.path,
    output: files.output!,
    frames: isTyped('frames') ? spec.frames : undefined,
    ...{ start: spec.input.start, stride: spec.input.stride },
    ...{ size: spec.size, resize: spec.resize, format: spec.output.format },
    framesPerSecond: isTyped('output.framesPerSecond') ? spec.output.framesPerSecond : undefined,
    nameOf,
  };
}
