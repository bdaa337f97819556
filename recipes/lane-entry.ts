// Where a lane's thread starts in the product; apart from that file, so that the main thread loads none of its code.

import { extname } from 'node:path';

/** For `createLanePool`. */
export const LANE_ENTRY = new URL(`./lane-thread${extname(import.meta.filename)}`, import.meta.url);
