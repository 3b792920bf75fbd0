// What the workers of the crash scenarios run. Each attempt is written to the file
// of the key, so that attempts of killed processes count too.
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sdk from '@microsoft/durabletask-js';
import { sleep } from './harness.mjs';

const { EntityInstanceId, TaskEntity, whenAll } = sdk;
const folder = process.env.ATTEMPTS;

// attempts returns how often a key has been noted.
export function attempts(key) {
  try {
    return readFileSync(join(folder, key), 'utf8').length;
  } catch {
    return 0;
  }
}

// attempt notes a key and returns how often it has been.
function attempt(key) {
  appendFileSync(join(folder, key), '.');
  return attempts(key);
}

const hangs = async () => { for (;;) await sleep(1000); };

class Fragile extends TaskEntity {
  initializeState() { return 0; }
  async add({ key, n }) {
    if (key && attempt(key) === 1) await hangs();
    this.state += n;
    return this.state;
  }
}

export const code = {
  activities: {
    echo: (_, x) => x,
    hang: async (_, key) => { const n = attempt(key); if (n === 1) await hangs(); return n; },
    slow: async (_, { key, ms }) => { attempt(key); await sleep(ms); return key; },
  },
  entities: { fragile: () => new Fragile() },
  orchestrators: {
    activity: async function* (ctx, key) { return yield ctx.callActivity('hang', key); },
    turn: async function* (ctx, key) {
      yield ctx.callActivity('echo', 1);
      if (attempt(key) === 1) await hangs();
      return yield ctx.callActivity('echo', 2);
    },
    entity: async function* (ctx, { key, id }) { return yield ctx.entities.callEntity(new EntityInstanceId('fragile', id), 'add', { key, n: 1 }); },
    slow: async function* (ctx, { key, ms }) { return yield ctx.callActivity('slow', { key, ms }); },
    chain: async function* (ctx, n) {
      let x = 0;
      for (let i = 0; i < n; i++) x = yield ctx.callActivity('echo', x + 1);
      return x;
    },
    mixed: async function* (ctx, { key, id }) {
      const [a, b, , d] = yield whenAll([
        ctx.callActivity('slow', { key, ms: 300 }), ctx.waitForExternalEvent('go'), ctx.createTimer(1),
        ctx.callSubOrchestrator('chain', 5),
      ]);
      const lock = yield ctx.entities.lockEntities(new EntityInstanceId('fragile', id));
      const e = yield ctx.entities.callEntity(new EntityInstanceId('fragile', id), 'add', { n: 1 });
      lock.release();
      return [a, b, d, e];
    },
    collect: async function* (ctx, { seen, n }) {
      seen.push(yield ctx.waitForExternalEvent('Item'));
      if (seen.length < n) { ctx.continueAsNew({ seen, n }, true); return; }
      return seen;
    },
  },
};
