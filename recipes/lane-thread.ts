// The file that a lane's thread starts with in the product: all stages.

import { STAGE_CODES } from './stage-codes.ts';
import { serveLane } from '../workers/inference/lanes/serve-lane.ts';

serveLane(STAGE_CODES);
