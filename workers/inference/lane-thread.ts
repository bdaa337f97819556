// The file that a lane's thread starts with in the product: all stages.

import { STAGE_BODIES } from '../pipelines/index.ts';
import { serveLane } from './serve-lane.ts';

serveLane(STAGE_BODIES);
