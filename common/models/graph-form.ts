// What is made of a UNet's graph when it is loaded, for steps that cost less. How is workers/inference/onnx/cut-graph.ts's.

/**
 * `deep`: the whole, which also gives features, all outputs but the noise. `shallow`: what comes behind these, which takes them as inputs. `uncontrolled`:
 * without what the control pictures are for.
 */
export type GraphForm = 'deep' | 'shallow' | 'uncontrolled';

/** These are run in turn from step to step: what a lane may fill is shared by both, lest one drops the other each time. */
export const TAKING_TURNS: readonly (GraphForm | undefined)[] = ['deep', 'shallow'];
