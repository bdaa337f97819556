// What card.json says of annotators: graphs that see in a picture what a control picture is drawn from. Checks the text only.

import { z } from 'zod';

/** Made without a model, so no set may call one so. */
export const BUILT_IN_ANNOTATORS: readonly string[] = ['canny'];

const joint = z.int().min(0).max(1023);
const level = z.int().min(0).max(255);
const colour = z.tuple([level, level, level]);
/** Pixels of a picture whose shorter side has 128; more in proportion. */
const width = z.number().positive().max(64);

const ownSkeleton = z
  .object({
    edges: z.array(z.tuple([joint, joint])).max(1024),
    /** One for each joint that is drawn; the graph may find more. */
    colors: z.array(colour).min(1).max(1024),
    /** One for each edge. @default three fifths of the colour of the edge's second joint */
    edgeColors: z.array(colour).max(1024).optional(),
    radius: width,
    lineWidth: width,
  })
  .superRefine(({ edges, colors, edgeColors }, context) => {
    const missing = edges.flat().find((one) => one >= colors.length);
    if (missing !== undefined) {
      const message = `edges name joint ${missing}; there are colors for ${colors.length} joints, 0 to ${colors.length - 1}`;
      context.addIssue({ code: 'custom', path: ['edges'], message });
    }
    if (edgeColors !== undefined && edgeColors.length !== edges.length) {
      const message = `must be as many as edges, ${edges.length}`;
      context.addIssue({ code: 'custom', path: ['edgeColors'], message });
    }
  });

/** `openpose`: of the 17 joints of COCO, first of whatever the graph finds, drawn as the 18 of OpenPose. */
const skeleton = z.union([z.literal('openpose'), ownSkeleton], {
  error: 'must be "openpose", or edges, colors, radius and lineWidth',
});

/** What a pose graph's joints are drawn as. */
export type Skeleton = z.output<typeof skeleton>;
export type OwnSkeleton = z.output<typeof ownSkeleton>;

/** `model`: a folder with a graph, or a graph without its ending, in the image model's folder. */
export const annotatorSchema = <P extends z.ZodType<string>>(path: P) =>
  z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('depth'), model: path }),
    z.object({
      kind: z.literal('pose'),
      model: path,
      skeleton,
      /** A joint is seen from this score on. */
      threshold: z.number().min(0).max(1).default(0.3),
    }),
  ]);

export type CardAnnotator = z.output<ReturnType<typeof annotatorSchema>>;
