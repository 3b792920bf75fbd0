// Workers and the server are killed in the middle of their work.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import grpc from '@grpc/grpc-js';
import sdk from '@microsoft/durabletask-js';
import { Hub, Status, sleep, unique, until } from '../harness.mjs';

process.env.ATTEMPTS = mkdtempSync(join(tmpdir(), 'perdure-attempts-'));
const { attempts, code } = await import('../crashcode.mjs');
const { EntityInstanceId } = sdk;

// The scenarios kill what others would need.
export const alone = true;

// process of a worker, started and connected.
async function worker(hub) {
  const child = fork(new URL('../crashworker.mjs', import.meta.url), [hub.name]);
  await new Promise((resolve) => { child.once('message', resolve); });
  return child;
}

// ended waits for the end of a killed process.
async function killed(child) {
  const gone = new Promise((resolve) => { child.once('exit', resolve); });
  child.kill('SIGKILL');
  await gone;
}

async function control(what) {
  const answer = await fetch(`${process.env.PERDURE_CONTROL}/${what}`, { method: 'POST' });
  assert.equal(answer.status, 200, await answer.text());
}

// patient repeats a call for as long as the server cannot be reached.
async function patient(call) {
  for (;;) {
    try {
      return await call();
    } catch (e) {
      if (![grpc.status.UNAVAILABLE, grpc.status.CANCELLED, grpc.status.INTERNAL].includes(e.code)) throw e;
      await sleep(20);
    }
  }
}

export const scenarios = {
  'a worker is killed in an activity': async () => {
    const hub = await Hub.create(unique('crash'));
    const key = unique('key');
    const first = await worker(hub);
    const id = await hub.client.scheduleNewOrchestration('activity', key);
    await until(() => attempts(key) === 1, 'the activity runs');
    await killed(first);
    const second = await worker(hub);
    assert.equal(await hub.output(id), 2);
    assert.deepEqual(await hub.kinds(id), ['OrchestratorStarted', 'ExecutionStarted', 'TaskScheduled#1 hang', 'OrchestratorStarted', 'TaskCompleted>1', 'ExecutionCompleted#2']);
    await killed(second);
  },

  'a worker is killed while another one waits': async () => {
    const hub = await Hub.create(unique('crash'));
    const keys = Array.from({ length: 6 }, () => unique('key'));
    const first = await worker(hub), second = await worker(hub);
    const ids = await Promise.all(keys.map((key) => hub.client.scheduleNewOrchestration('activity', key)));
    await until(() => keys.every((key) => attempts(key) === 1), 'the activities run');
    await killed(first);
    await killed(second);
    const third = await worker(hub);
    const tries = await Promise.all(ids.map((id) => hub.output(id)));
    // The second worker may just have begun with what the first one had.
    assert.ok(tries.every((n) => n === 2 || n === 3), `the activities were tried ${tries} times`);
    await killed(third);
  },

  'a worker is killed in a turn': async () => {
    const hub = await Hub.create(unique('crash'));
    const key = unique('key');
    const first = await worker(hub);
    const id = await hub.client.scheduleNewOrchestration('turn', key);
    await until(() => attempts(key) === 1, 'the turn runs');
    const second = await worker(hub);
    await killed(first);
    assert.equal(await hub.output(id), 2);
    assert.deepEqual(await hub.kinds(id), ['OrchestratorStarted', 'ExecutionStarted', 'TaskScheduled#1 echo', 'OrchestratorStarted', 'TaskCompleted>1',
      'TaskScheduled#2 echo', 'OrchestratorStarted', 'TaskCompleted>2', 'ExecutionCompleted#3']);
    await killed(second);
  },

  'a worker is killed in an operation of an entity': async () => {
    const hub = await Hub.create(unique('crash'));
    const key = unique('key'), entity = unique('e');
    const first = await worker(hub);
    const id = await hub.client.scheduleNewOrchestration('entity', { key, id: entity });
    await until(() => attempts(key) === 1, 'the operation runs');
    await hub.client.signalEntity(new EntityInstanceId('fragile', entity), 'add', { n: 10 });
    await killed(first);
    const second = await worker(hub);
    assert.equal(await hub.output(id), 1);
    await until(async () => (await hub.client.getEntity(new EntityInstanceId('fragile', entity)))?.state === 11, 'the signal has been carried out');
    await killed(second);
  },

  'a frozen worker loses its work': async () => {
    const hub = await Hub.create(unique('crash'));
    const key = unique('key');
    const first = await worker(hub);
    const id = await hub.client.scheduleNewOrchestration('slow', { key, ms: 500 });
    await until(() => attempts(key) === 1, 'the activity runs');
    first.kill('SIGSTOP');
    const second = await worker(hub);
    const state = await hub.client.waitForOrchestrationCompletion(id, true, 60); // it is noticed within 30 s
    assert.equal(Status[state.runtimeStatus], 'COMPLETED');
    assert.equal(attempts(key), 2);
    first.kill('SIGCONT');
    await sleep(700); // its late result comes
    assert.deepEqual(await hub.kinds(id), ['OrchestratorStarted', 'ExecutionStarted', 'TaskScheduled#1 slow', 'OrchestratorStarted', 'TaskCompleted>1', 'ExecutionCompleted#2']);
    await killed(first);
    await killed(second);
  },

  'workers are killed again and again': async () => {
    const hub = await Hub.create(unique('crash'));
    const ids = await Promise.all(Array.from({ length: 30 }, () => hub.client.scheduleNewOrchestration('chain', 20)));
    const workers = [await worker(hub), await worker(hub)];
    for (let i = 0; i < 4; i++) {
      await sleep(150);
      await killed(workers.shift());
      workers.push(await worker(hub));
    }
    assert.deepEqual(await Promise.all(ids.map((id) => hub.output(id))), ids.map(() => 20));
    for (const id of ids) assert.equal((await hub.kinds(id)).filter((k) => k.startsWith('TaskCompleted')).length, 20);
    for (const w of workers) await killed(w);
  },

  'the server is killed in the middle of everything': async () => {
    const hub = await Hub.create(unique('crash'));
    const first = await worker(hub);
    const runs = Array.from({ length: 10 }, () => ({ key: unique('key'), id: unique('e') }));
    const ids = await Promise.all(runs.map((r) => hub.client.scheduleNewOrchestration('mixed', r)));
    await until(() => runs.every((r) => attempts(r.key) > 0), 'the activities run');
    for (const id of ids.slice(0, 5)) await hub.client.raiseOrchestrationEvent(id, 'go', 'before');
    await control('kill');
    await control('start');
    for (const id of ids.slice(5)) await patient(() => hub.client.raiseOrchestrationEvent(id, 'go', 'after'));
    for (const [i, id] of ids.entries()) {
      assert.deepEqual(await patient(() => hub.output(id)), [runs[i].key, i < 5 ? 'before' : 'after', 5, 1]);
      const history = await hub.kinds(id);
      for (const kind of ['EventRaised go', 'TimerFired>2', 'SubOrchestrationInstanceCompleted>3', 'TaskCompleted>1', 'EntityLockGranted']) {
        assert.equal(history.filter((k) => k === kind).length, 1, `${kind} in ${history}`);
      }
    }
    await killed(first);
  },

  'the server is killed while it is asked for more': async () => {
    const hub = await Hub.create(unique('crash'));
    const first = await worker(hub);
    const n = 40;
    const collector = await hub.client.scheduleNewOrchestration('collect', { seen: [], n });
    let done = false;
    const kills = (async () => {
      for (let i = 0; i < 3; i++) {
        await sleep(300);
        await control('kill');
        await control('start');
      }
      done = true;
    })();
    const started = [], sent = [];
    for (let i = 0; !done || sent.length < n; i++) {
      const id = unique('burst');
      try {
        await hub.client.scheduleNewOrchestration('chain', 3, id);
        started.push(id);
      } catch (e) {
        assert.ok([grpc.status.UNAVAILABLE, grpc.status.CANCELLED, grpc.status.INTERNAL].includes(e.code), String(e));
      }
      if (sent.length < n) {
        try {
          await hub.client.raiseOrchestrationEvent(collector, 'Item', i);
          sent.push(i);
        } catch (e) {
          assert.ok([grpc.status.UNAVAILABLE, grpc.status.CANCELLED, grpc.status.INTERNAL].includes(e.code), String(e));
        }
      }
      await sleep(5);
    }
    await kills;
    for (const id of started) assert.equal(await patient(() => hub.output(id)), 3);
    const seen = await patient(() => hub.output(collector));
    assert.equal(new Set(seen).size, seen.length, 'an event came twice');
    // An event whose call was cut off may have come; then the last ones have no place.
    for (const i of sent.slice(0, n - 6)) assert.ok(seen.includes(i), `the event ${i} is lost`);
    await killed(first);
  },
};
