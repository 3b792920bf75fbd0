// Runs the scenarios of a file, for the Go test: node main.mjs FILE [NAME...].
// Prints one JSON line with the plan, then one for each outcome.
import { Hub } from './harness.mjs';

const [file, ...names] = process.argv.slice(2);
const group = await import(`./scenarios/${file}.mjs`);
const chosen = Object.entries(group.scenarios).filter(([name]) => names.length === 0 || names.includes(name));
console.log(JSON.stringify({ plan: chosen.map(([name]) => name) }));

const hub = group.code ? await Hub.create(file) : undefined;
if (hub) await hub.worker(group.code);

const queue = [...chosen];
async function work() {
  for (let next = queue.shift(); next; next = queue.shift()) {
    const [scenario, fn] = next;
    const begin = Date.now();
    let error = '';
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('it has not ended in 100 s')), 100_000);
    });
    try {
      await Promise.race([fn(hub), late]);
    } catch (e) {
      error = String(e?.stack ?? e);
    }
    clearTimeout(timer);
    console.log(JSON.stringify({ scenario, error, ms: Date.now() - begin }));
  }
}
// Scenarios of a file run at the same time, unless they kill what others need.
await Promise.all(Array.from({ length: group.alone ? 1 : 8 }, work));
process.exit(0);
