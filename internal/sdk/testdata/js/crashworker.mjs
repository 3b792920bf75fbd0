// A worker in a process of its own: node crashworker.mjs HUB.
import { Hub } from './harness.mjs';
import { code } from './crashcode.mjs';

await new Hub(process.argv[2]).worker(code);
process.on('disconnect', () => process.exit(0)); // the scenarios have ended
process.send?.('started');
