// Timesteps that were found to suit ten steps: "Align Your Steps" (arXiv 2404.14507), as diffusers' AysSchedules has them.

export const AYS_TIMESTEPS = {
  'ays-sd': [999, 850, 736, 645, 545, 455, 343, 233, 124, 24],
  'ays-sdxl': [999, 845, 730, 587, 443, 310, 193, 116, 53, 13],
} as const;
