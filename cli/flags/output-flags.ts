// Flags of what a render writes, and of where and how it runs. Gathered in flag-table.ts.

import type { Ungrouped } from './flag.ts';

export const OUTPUT_FLAGS: readonly Ungrouped[] = [
  {
    name: 'output',
    kind: 'file',
    value: 'FILE',
    doc: 'Where the video goes; a folder takes one PNG per frame',
  },
  {
    name: 'format',
    kind: 'word',
    value: 'FORMAT',
    field: 'output.format',
    doc: 'Format of the output',
    defaultText: "from the output's ending",
  },
  {
    name: 'fps',
    kind: 'number',
    value: 'X',
    field: 'output.framesPerSecond',
    doc: 'Frames per second of the output',
  },
  {
    name: 'audio',
    kind: 'word',
    value: 'HOW',
    field: 'output.audio',
    doc: "Sound of the output: none, or the source's, cut to the frames and copied as it is",
    defaultText: 'none',
  },
  {
    name: 'comparison',
    kind: 'file',
    value: 'FILE',
    doc: 'Also a video of any control, frame by frame and smoothed, side by side',
  },
  { name: 'contact-sheet', kind: 'file', value: 'FILE', doc: 'Also the same as one PNG' },
  { name: 'report', kind: 'file', value: 'FILE', doc: 'Also what --json prints, as a file' },
  {
    name: 'trace',
    kind: 'file',
    value: 'FILE',
    doc: 'Also what ran when, for chrome://tracing or ui.perfetto.dev',
  },
  { name: 'overwrite', kind: 'switch', doc: 'Replace outputs that exist and differ' },
];

export const PLACE_FLAGS: readonly Ungrouped[] = [
  {
    name: 'store',
    kind: 'file',
    value: 'PLACE',
    doc: 'Where finished tasks are kept, so that nothing runs twice: a folder or s3://BUCKET/PREFIX',
    defaultText: '$BIVDIFF_STORE, else .bivdiff/store here',
  },
  {
    name: 'device',
    kind: 'text',
    value: 'DEVICE',
    doc: 'Where models run: cpu, cuda, cuda:1, webgpu; bits differ between devices',
    defaultText: 'cpu',
  },
  {
    name: 'slots',
    kind: 'number',
    value: 'N',
    doc: 'Tasks at once (each holds its models in memory)',
    defaultText: '1',
  },
  {
    name: 'threads',
    kind: 'number',
    value: 'N',
    doc: 'Threads of each slot',
    defaultText: 'cores / slots',
  },
  {
    name: 'memory-gib',
    kind: 'number',
    value: 'N',
    doc: 'What models and their runs may fill of main memory, in all slots',
    defaultText: 'half of it, or of what the container may have',
  },
  { name: 'json', kind: 'switch', doc: 'Print one JSON object on stdout' },
  { name: 'quiet', kind: 'switch', doc: 'No progress' },
];
