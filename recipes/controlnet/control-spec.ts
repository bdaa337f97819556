// What a user says of the controls that frames are drawn along, of every recipe that has them: `control`, one or several in short, or
// `controls`, a list in full.

import { z } from 'zod';

import { BY_MODELS } from '../spec/flag.ts';
import type { SettingFlag } from '../spec/flag.ts';
import { COURSE_FORM, parseCourse, SCALE_MAX } from './courses.ts';

/** A comparison has a panel of each. */
export const CONTROLS_MAX = 4;

/** |dx| + |dy| of Sobel's kernels on 8 bits goes so far. */
const threshold = z.number().min(0).max(2040);
const share = z.number().min(0).max(1);
const scale = z.number().min(0).max(SCALE_MAX);

/** One for each control with commas between, or one for all; a single number stays a number, as the wire's message has it. */
const texts = (
  number: z.ZodNumber,
  form: string,
  problemOf: (part: string) => string | undefined,
) =>
  z.union([number, z.string()], { error: form }).transform((value, context) => {
    const parts = String(value).split(',');
    const problem = parts.map(problemOf).find((one) => one !== undefined);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    return parts.length === 1 && parts[0]!.trim() !== '' && Number.isFinite(Number(value))
      ? Number(value)
      : String(value);
  });

const scaleProblem = (part: string): string | undefined => {
  const course = parseCourse(part);
  return typeof course === 'string' ? course : undefined;
};
const SHARE_FORM = 'expected a share of the steps, 0 to 1';
const shareProblem = (part: string): string | undefined =>
  part.trim() !== '' && share.safeParse(Number(part)).success
    ? undefined
    : `${SHARE_FORM}, got ${JSON.stringify(part)}`;

const name = z.string().min(1).max(200);

const controlSpec = z.strictObject({
  type: name.default('canny'),
  input: z.string().min(1).optional(),
  low: threshold.optional(),
  high: threshold.optional(),
  scale: texts(scale, COURSE_FORM, scaleProblem).optional(),
  start: texts(share, SHARE_FORM, shareProblem).optional(),
  end: texts(share, SHARE_FORM, shareProblem).optional(),
});

const keyframe = z.strictObject({ frame: z.int().min(0), scale });

const controlInFull = z.strictObject({
  type: name,
  low: threshold.optional(),
  high: threshold.optional(),
  scale: z
    .union(
      [
        z.string().refine((text) => !text.includes(',') && scaleProblem(text) === undefined, {
          error: COURSE_FORM,
        }),
        scale,
        z.array(keyframe).min(1),
      ],
      { error: `${COURSE_FORM}, or a list of frame and scale` },
    )
    .optional(),
  start: share.default(0),
  end: share.default(1),
});

export type ControlSpec = z.output<typeof controlSpec>;
export type ControlInFull = z.output<typeof controlInFull>;

export const CONTROL_FIELDS = {
  control: controlSpec.optional(),
  controls: z.array(controlInFull).min(1).max(CONTROLS_MAX).optional(),
};

/** Pictures of a control that another program has made, by the name of the source. */
export const CONTROL_SOURCES = { control: 'control.input' };

/** By how many controls there are: the first is `control`, as it was when there was but one. */
export const CONTROL_PANELS: Readonly<Record<string, string>> = {
  control: 'control',
  ...Object.fromEntries(
    Array.from({ length: CONTROLS_MAX - 1 }, (_, i) => [`control${i + 2}`, `control ${i + 2}`]),
  ),
};

export const CONTROL_FLAGS: readonly SettingFlag[] = [
  {
    name: 'control',
    kind: 'text',
    value: 'CONTROL',
    field: 'control.type',
    doc: 'Control signal taken from the source: canny, or what the models can see in it, such as depth or pose; several with commas between',
  },
  {
    name: 'control-input',
    kind: 'path',
    value: 'FILE',
    field: 'control.input',
    doc: 'The control signal ready-made, of the size of --input: a video, an animated GIF or a folder of pictures, of which frames are taken as of the source',
    defaultText: 'taken from the source',
  },
  {
    name: 'control-scale',
    kind: 'text',
    value: 'X',
    field: 'control.scale',
    doc: "Weight of the control's influence, 0 to 2; over the frames as 0.2..1; one for each control with commas between",
    defaultText: BY_MODELS,
  },
  {
    name: 'control-start',
    kind: 'text',
    value: 'X',
    field: 'control.start',
    doc: 'Share of the steps, 0 to 1, before which it has no influence',
    defaultText: '0',
  },
  {
    name: 'control-end',
    kind: 'text',
    value: 'X',
    field: 'control.end',
    doc: 'Share of the steps after which it has none',
    defaultText: '1',
  },
  {
    name: 'canny-low',
    kind: 'number',
    value: 'X',
    field: 'control.low',
    doc: 'Low threshold of the edge detector',
    defaultText: BY_MODELS,
  },
  {
    name: 'canny-high',
    kind: 'number',
    value: 'X',
    field: 'control.high',
    doc: 'High threshold of the edge detector',
    defaultText: BY_MODELS,
  },
];
