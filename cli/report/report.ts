// A comparison of clips as data: what the page shows and the table prints. Plain; knows nothing of where clips come from.

/** Something that is measured of clips, along their frames. */
export interface Figure {
  readonly id: string;
  readonly name: string;
  /** Over which its series goes. A pair is named by its second frame; parts are the clip's after its first. */
  readonly along: 'frame' | 'frame pair' | 'part of the clip';
  readonly unit: string;
  readonly better: 'lower' | 'higher';
  /** One sentence for who does not know it. */
  readonly doc: string;
}

/** One figure of one clip. */
export interface Measured {
  /** One value a frame, pair or part, null where it is not looked at; empty where only the clip as a whole is measured. */
  readonly series: readonly (number | null)[];
  readonly mean: number;
}

export interface ReportClip {
  readonly label: string;
  /** Data URIs, one a frame. */
  readonly pictures: readonly string[];
  /** By the figure's id. Of what is only shown, a control say: none. */
  readonly measured: Readonly<Record<string, Measured>> | undefined;
}

/** Clips that differ in two settings: a place for each pair of values. */
export interface ReportGrid {
  readonly rows: { readonly name: string; readonly values: readonly string[] };
  readonly columns: { readonly name: string; readonly values: readonly string[] };
  /** Row by row, the index of a clip. */
  readonly clips: readonly (readonly number[])[];
}

/** Shown for people to copy. */
export interface ReportSpec {
  readonly label: string;
  readonly text: string;
}

export interface Report {
  readonly title: string;
  /** What is below the title: what all clips have in common. */
  readonly facts: readonly string[];
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly framesPerSecond: number;
  readonly clips: readonly ReportClip[];
  /** Index of the clip that the others are compared with. */
  readonly reference: number;
  readonly figures: readonly Figure[];
  readonly grid?: ReportGrid;
  /** Means over several clips, with no pictures of their own: tables and plots tell of them in place of the clips; the first is the reference. */
  readonly means?: readonly ReportClip[];
  readonly specs: readonly ReportSpec[];
  /** What was left out, and why: a line each. */
  readonly notes: readonly string[];
}
