// What the estimate says of a graph's memory beside what ONNX Runtime takes for it: each graph and size in a process of its own, whose highest resident
// memory the kernel tells (Linux).

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { graphMemory } from '../common/models/graph-memory.ts';
import type { GraphMemory, GraphRole } from '../common/models/graph-memory.ts';
import { openModelSet } from '../common/models/model-folder.ts';
import type { ModelPart } from '../common/models/model-set.ts';
import { NODE_ENVIRONMENT, NODE_FLAGS } from '../common/node-flags.ts';
import { readOnnxFile } from '../common/models/onnx-file.ts';

const DEMO = join(import.meta.dirname, '../models/demo');
const CHILD = join(import.meta.dirname, 'graph-memory-run.ts');
const MIB = 2 ** 20;

/** Of pictures of so many pixels a side. */
export interface GraphShape {
  readonly samples: number;
  readonly frames: number;
  readonly side: number;
}

/** Bytes above the process that has loaded ONNX Runtime and a small graph, and released that. */
export interface MeasuredMemory extends GraphMemory {
  /** After the session was released. */
  readonly released: number;
}

interface Case {
  readonly part: ModelPart | undefined;
  readonly role: GraphRole;
  readonly shapes: readonly GraphShape[];
  readonly controlnets?: number;
}

const FRAMES: readonly GraphShape[] = [
  { samples: 8, frames: 1, side: 256 },
  { samples: 2, frames: 1, side: 512 },
];
const CLIPS: readonly GraphShape[] = [{ samples: 2, frames: 8, side: 256 }];

/** `models`: a set in place of the one that ships. `say` is told of each as it is there. */
export async function measureGraphs({
  models = DEMO,
  say,
}: {
  readonly models: string | undefined;
  readonly say: (line: string) => void;
}): Promise<readonly object[]> {
  const { image, generators, videos, defaultVideo } = await openModelSet(models);
  const controlled = Object.values(generators).find(({ task }) => task === 'controlnet');
  const cases: readonly Case[] = [
    { part: image.unet, role: 'unet', shapes: FRAMES },
    { part: controlled?.unet, role: 'unet', shapes: FRAMES, controlnets: 1 },
    { part: image.unetInflated, role: 'unet', shapes: [{ samples: 1, frames: 8, side: 256 }] },
    { part: videos[defaultVideo]?.unet, role: 'unet', shapes: CLIPS },
    { part: image.vaeEncoder, role: 'vae-encoder', shapes: FRAMES },
    { part: image.vaeDecoder, role: 'vae-decoder', shapes: FRAMES },
  ];
  const figures: object[] = [];
  for (const { part, role, shapes, controlnets = 0 } of cases) {
    if (part?.graph === undefined) continue;
    const { weightBytes } = readOnnxFile(part.graph);
    for (const shape of shapes) {
      const pixels = shape.frames * (shape.side / 8) ** 2;
      const facts = { role, config: part.config, weightBytes };
      const foretold = graphMemory(facts, { samples: shape.samples, pixels, controlnets });
      const measured = measure(part.graph, role, shape);
      figures.push({ part: part.name, weightBytes, shape, foretold, measured });
      const mib = (bytes: number): string => (bytes / MIB).toFixed(0);
      const pair = (key: keyof GraphMemory): string =>
        `${mib(foretold[key])} (${mib(measured[key])})`;
      say(
        `${part.name}, ${shape.samples} of ${shape.frames} x ${shape.side}x${shape.side}: MiB foretold (taken): weights ${mib(weightBytes)}, ` +
          `loading ${pair('loading')}, loaded ${pair('loaded')} = ${(measured.loaded / weightBytes).toFixed(2)} of them, run ${pair('run')}; after release (${mib(measured.released)})`,
      );
    }
  }
  return figures;
}

function measure(graph: string, role: GraphRole, shape: GraphShape): MeasuredMemory {
  const words = [...NODE_FLAGS, '--expose-gc', CHILD, graph, role, JSON.stringify(shape)];
  const env = { ...NODE_ENVIRONMENT, ...process.env };
  return JSON.parse(
    execFileSync(process.execPath, words, { env, encoding: 'utf8' }),
  ) as MeasuredMemory;
}
