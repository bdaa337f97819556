// The graphs that see what control pictures are drawn from, as they are published: one picture in, under any name, and depth or joints out
// (docs/annotators.md).

import { floats } from '../../inference/graph-contract.ts';
import type { GraphKind, GraphValues, ValueFacts } from '../../inference/graph-kind.ts';

/** Where joints are along x and along y (mmpose's SimCC), or one map for each joint. */
export type JointOutputs =
  { readonly x: string; readonly y: string } | { readonly heatmaps: string };

const PICTURES = floats(null, 3, null, null);
const SIMCC = { x: 'simcc_x', y: 'simcc_y' } as const;

export const ANNOTATORS: Readonly<Record<'depth' | 'pose', GraphKind>> = {
  depth: {
    name: 'depth-annotator',
    ...{ hasBatch: true, isClip: false },
    contract: (_, graph) => ({
      inputs: { [pictureInput(graph)]: PICTURES },
      outputs: {
        [depthOutput(graph)]: {
          ...PICTURES,
          shapes: [
            [null, null, null],
            [null, 1, null, null],
          ],
        },
      },
    }),
  },
  pose: {
    name: 'pose-annotator',
    ...{ hasBatch: true, isClip: false },
    contract: (_, graph) => {
      const outputs = jointOutputs(graph);
      return {
        inputs: { [pictureInput(graph)]: PICTURES },
        outputs:
          'heatmaps' in outputs
            ? { [outputs.heatmaps]: floats(null, null, null, null) }
            : { [outputs.x]: floats(null, null, null), [outputs.y]: floats(null, null, null) },
      };
    },
  },
};

/** Its only input; of several the contract tells. */
export function pictureInput({ inputs }: GraphValues): string {
  return inputs[0]?.name ?? 'pixel_values';
}

/** By its usual name, else the first. */
export function depthOutput({ outputs }: GraphValues): string {
  return nameAmong(outputs, 'predicted_depth');
}

export function jointOutputs({ outputs }: GraphValues): JointOutputs {
  const names = outputs.map(({ name }) => name);
  if (names.includes(SIMCC.x) || names.includes(SIMCC.y)) return SIMCC;
  return { heatmaps: nameAmong(outputs, 'heatmaps') };
}

function nameAmong(values: readonly ValueFacts[], usual: string): string {
  const found = values.find(({ name }) => name === usual) ?? values[0];
  return found?.name ?? usual;
}
