// Starts orchestrations in both languages while the server is killed, raises an event
// to each, and checks all once they have ended: node killclient.mjs HUB COUNT PAUSE.
import assert from 'node:assert/strict';
import grpc from '@grpc/grpc-js';
import sdk from '@microsoft/durabletask-js';
import { Hub, Status, kinds, sleep } from './harness.mjs';

const [name, count, pause] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const hub = await Hub.create(name);
console.log('created');

const cutOff = (e) => [grpc.status.UNAVAILABLE, grpc.status.CANCELLED, grpc.status.INTERNAL].includes(e.code);
const refused = (e) => e.code === grpc.status.RESOURCE_EXHAUSTED; // the hub has more to do than it can; it says until when
let interrupted = 0;

// patient repeats a call until it has an answer, and says how often it was made.
async function patient(call, done = () => false) {
  for (let tries = 1; ; tries++) {
    try {
      return [await call(), tries];
    } catch (e) {
      if (done(e)) return [undefined, tries];
      if (!cutOff(e) && !refused(e)) throw e;
      if (cutOff(e)) interrupted++;
      await sleep(refused(e) ? Number(e.metadata.get('grpc-retry-pushback-ms')[0] ?? 1000) : 20);
    }
  }
}

async function one(n) {
  const flow = n % 2 ? 'JsFlow' : 'GoFlow';
  const id = `${flow}-${n}`;
  await patient(() => hub.client.scheduleNewOrchestration(flow, n, id), (e) => e.code === grpc.status.ALREADY_EXISTS);
  await sleep(Math.random() * 300);
  const [, raised] = await patient(() => hub.client.raiseOrchestrationEvent(id, 'go', `event ${n}`));
  const [state] = await patient(() => hub.client.waitForOrchestrationCompletion(id, true, 240));
  assert.equal(Status[state.runtimeStatus], 'COMPLETED', `${id}: ${state.failureDetails?.message}`);
  assert.deepEqual(JSON.parse(state.serializedOutput), [n, n, `event ${n}`, n], id);
  const [history] = await patient(() => hub.history(id));
  const written = kinds(history);
  const events = written.filter((k) => k === 'EventRaised go').length;
  assert.ok(events >= 1 && events <= raised, `${id} has ${events} events, ${raised} were raised`);
  for (const k of new Set(written)) {
    if (!['OrchestratorStarted', 'EventRaised go'].includes(k)) assert.equal(written.filter((w) => w === k).length, 1, `${id} has ${k} twice: ${written}`);
  }
  assert.equal(written.filter((k) => k.startsWith('TaskCompleted')).length, 2, `${id}: ${written}`);
}

const all = [];
for (let n = 0; n < count; n++) {
  all.push(one(n));
  await sleep(pause);
}
await Promise.all(all);
const [tally] = await patient(() => hub.client.getEntity(new sdk.EntityInstanceId('tally', 'all')));
assert.equal(tally.state, Math.floor(count / 2));
console.log(`${count} have ended, ${interrupted} calls were cut off`);
process.exit(0);
