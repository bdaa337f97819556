// KWOK's stages, with one exception more: pods that a test plays itself.

import { parseAllDocuments } from 'yaml';

/** KWOK leaves pods with this label alone, whatever its value: they come to life, end and vanish when the test says so. */
export const BY_HAND_LABEL = 'test.bivdiff.dev/by-hand';

interface Stage {
  readonly spec: {
    readonly resourceRef: { readonly kind: string };
    readonly selector: { readonly matchExpressions: readonly object[] };
  };
}

/** The stages as YAML, of which those of pods match none with that label. */
export function stagesByHandToo(text: string): string {
  const documents = parseAllDocuments(text);
  const exception = { key: `.metadata.labels["${BY_HAND_LABEL}"]`, operator: 'DoesNotExist' };
  const stages = documents.map((document) => {
    const stage = document.toJS() as Stage;
    const { resourceRef, selector } = stage.spec;
    if (resourceRef.kind !== 'Pod') return stage;
    const matchExpressions = [...selector.matchExpressions, exception];
    return { ...stage, spec: { ...stage.spec, selector: { ...selector, matchExpressions } } };
  });
  // JSON is YAML too.
  return stages.map((stage) => JSON.stringify(stage)).join('\n---\n');
}
