// The graph that this recipe needs: an image UNet with ControlNets fused in (models/export).

import { floats, imageUnet } from '../../workers/inference/graph-contract.ts';
import type { GraphKind } from '../../workers/inference/graph-contract.ts';

export const CONTROLNET_UNET: GraphKind = imageUnet('controlnet-unet', {
  controlnet_conds: floats(null, null, 3, null, null),
  conditioning_scales: floats(null),
});
