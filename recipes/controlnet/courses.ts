// The weight of a control over the frames of a clip: one number, or a course between keyframes. Pure.

/** The highest weight that is taken. */
export const SCALE_MAX = 2;

/** Weight at a frame of the job, from 0; between two keyframes it goes evenly, and before the first and after the last it stays. */
export type Keyframe = Readonly<{ frame: number; scale: number }>;

/** As a user writes it: without frames, the points are spread evenly from the first frame to the last. */
export type WrittenCourse = number | readonly number[] | readonly Keyframe[];

/** As a job has it. */
export type Course = number | readonly Keyframe[];

export const COURSE_FORM =
  'expected a weight (0 to 2), from one to another (0.2..1), or weights at frames (0.2@0..1@7)';

/** `0.8`, `0.2..1`, `0..1..0`, `0.2@0..1@4`. A text in place of a course says what is wrong with it. */
export function parseCourse(text: string): WrittenCourse | string {
  const points = text.split('..').map((point) => point.trim().split('@').map(numberOf));
  const wrong = points.some(
    ([scale = NaN, frame, ...more]) =>
      more.length > 0 ||
      !(scale >= 0 && scale <= SCALE_MAX) ||
      (frame !== undefined && !(Number.isInteger(frame) && frame >= 0)),
  );
  const placed = points.filter(({ length }) => length === 2).length;
  if (wrong || (placed > 0 && placed < points.length)) {
    return `${COURSE_FORM}, got ${JSON.stringify(text)}`;
  }
  if (placed > 0) return points.map(([scale = 0, frame = 0]) => ({ frame, scale }));
  const scales = points.map(([scale = 0]) => scale);
  return scales.length === 1 ? scales[0]! : scales;
}

/** Over so many frames; a text says why it does not fit them. One that stays the same is a number. */
export function courseOver(written: WrittenCourse, frames: number): Course | string {
  if (typeof written === 'number') return written;
  const last = frames - 1;
  const keyframes = written.map((point, i) =>
    typeof point === 'number'
      ? { frame: rounded((last * i) / (written.length - 1)), scale: point }
      : point,
  );
  const late = keyframes.find(({ frame }) => frame > last);
  if (late !== undefined)
    return `there is no frame ${late.frame}; the last of ${frames} is ${last}`;
  const isPlaced = written.some((point) => typeof point !== 'number');
  const back = keyframes.find(({ frame }, i) => i > 0 && frame <= keyframes[i - 1]!.frame);
  if (isPlaced && back !== undefined)
    return `frame ${back.frame} does not come after the one before it`;
  const [first] = keyframes;
  return keyframes.every(({ scale }) => scale === first!.scale) ? first!.scale : keyframes;
}

export function scaleAt(course: Course, frame: number): number {
  if (typeof course === 'number') return course;
  const after = course.findIndex((point) => point.frame >= frame);
  if (after < 0) return course.at(-1)!.scale;
  const to = course[after]!;
  const from = course[after - 1];
  if (from === undefined || to.frame === frame) return to.scale;
  const share = (frame - from.frame) / (to.frame - from.frame);
  return rounded(from.scale + share * (to.scale - from.scale));
}

/** Weights that are equal to a person are equal here, so their frames are drawn together. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

function numberOf(text: string): number {
  return text.trim() === '' ? NaN : Number(text);
}
