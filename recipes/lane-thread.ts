// The file that a lane's thread starts with in the product: all stages.

import { serveLane } from '../workers/inference/lanes/serve-lane.ts';
import { LANE_STAGES } from './lane-stages.ts';

serveLane(LANE_STAGES);
