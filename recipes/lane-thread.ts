// The file that a lane's thread starts with in the product: all stages, and what loads models ahead of them.

import { serveLane } from '../workers/inference/lanes/serve-lane.ts';
import { preload } from '../workers/pipelines/preload.ts';
import { LANE_STAGES } from './lane-stages.ts';

serveLane({ ...LANE_STAGES, preload: { body: preload } });
