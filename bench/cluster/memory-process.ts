// A process of its own for the memory of a coordinator: prints the figures as JSON.

import { measureMemory } from './calls.ts';

console.log(JSON.stringify(await measureMemory()));
process.exit(0);
