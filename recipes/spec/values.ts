// Kinds of values that several fields of a spec have.

import { z } from 'zod';

export const integer = (min: number, max: number) => z.int().min(min).max(max);

/** Longest prompt that is taken; CLIP reads about 75 words of it. */
export const PROMPT_CHARACTERS_MAX = 4000;
export const promptText = z.string().max(PROMPT_CHARACTERS_MAX);
