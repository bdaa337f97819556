// What a generate task of this recipe is told, from the planner to its body.

import type { DrawingParams } from '../pipeline/generator-settings.ts';

/**
 * - `replace`: word by word, between prompts of as many words
 * - `refine`: words that both prompts have keep their places, others are new
 */
export const EDIT_KINDS = ['replace', 'refine'] as const;
export type EditKind = (typeof EDIT_KINDS)[number];

/** `prompt` is the edited one. */
export type PromptToPromptParams = Omit<DrawingParams, 'prompt'> &
  Readonly<{
    prompt: string;
    task: 'prompt-to-prompt';
    kind: EditKind;
    sourcePrompt: string;
    /** Of the source as it is drawn again; 1 means none, and that it comes out as it went in. */
    sourceGuidanceScale: number;
    /** Of the attention to words of the edited prompt. */
    weights: Readonly<Record<string, number>>;
    /** Shares of the steps, from the first, in which attention is the source's; 0..1. */
    crossReplace: number;
    selfReplace: number;
    /** Only where the frame attends to these words of either prompt, by more than `threshold` of the most, may it change. */
    blend?: Readonly<{ words: readonly string[]; threshold: number }>;
  }>;
