// Entities: operations, calls, signals, locks, failures, queries.
import assert from 'node:assert/strict';
import sdk from '@microsoft/durabletask-js';
import { Hub, Status, checkHistory, kinds, pb, rejects, sleep, text, unique, until } from '../harness.mjs';

const { EntityInstanceId, TaskEntity, whenAll } = sdk;

class Counter extends TaskEntity {
  initializeState() { return 0; }
  add(n) { this.state += n ?? 1; return this.state; }
  get() { return this.state; }
  fail(n) { this.state += n; throw new RangeError('no such operation today'); }
  signal({ to, op, input, at }) { this.context.signalEntity(new EntityInstanceId('counter', to), op, input, at ? { signalTime: new Date(at) } : undefined); }
  signalAndFail(input) { this.signal(input); throw new Error('rolled back'); }
  start({ name, input, id, at }) { return this.context.scheduleNewOrchestration(name, input, { instanceId: id, startAt: at ? new Date(at) : undefined }); }
}

class Log extends TaskEntity {
  initializeState() { return []; }
  append(x) { this.state.push(x); }
  async slow(x) { await sleep(20); this.state.push(x); return this.state.length; }
  get() { return this.state; }
  time(x) { this.state.push([x, Date.now()]); }
  size() { return JSON.stringify(this.state).length; }
}

const counter = (key) => new EntityInstanceId('Counter', key);
const log = (key) => new EntityInstanceId('log', key);

export const code = {
  activities: { echo: (_, x) => x, slow: async (_, x) => { await sleep(20); return x; } },
  entities: { Counter: () => new Counter(), log: () => new Log() },
  orchestrators: {
    calls: async function* (ctx, { key, ops }) {
      const got = [];
      for (const [op, input] of ops) got.push((yield ctx.entities.callEntity(counter(key), op, input)) ?? null);
      return got;
    },
    caught: async function* (ctx, key) {
      yield ctx.entities.callEntity(counter(key), 'add', 5);
      try {
        yield ctx.entities.callEntity(counter(key), 'fail', 100);
      } catch (e) {
        return { name: e.name, type: e.failureDetails.errorType, message: e.failureDetails.errorMessage, value: yield ctx.entities.callEntity(counter(key), 'get') };
      }
    },
    uncaught: async function* (ctx, key) { yield ctx.entities.callEntity(counter(key), 'fail', 1); },
    signals: async function* (ctx, { key, n }) {
      for (let i = 0; i < n; i++) ctx.entities.signalEntity(log(key), 'append', i);
      return yield ctx.entities.callEntity(log(key), 'get');
    },
    parallel: async function* (ctx, keys) { return yield whenAll(keys.map((k) => ctx.entities.callEntity(counter(k), 'add', 1))); },
    delayed: async function* (ctx, { key, ms }) {
      ctx.entities.signalEntity(log(key), 'time', 'late', { signalTime: new Date(ctx.currentUtcDateTime.getTime() + ms) });
      ctx.entities.signalEntity(log(key), 'time', 'now');
      return yield ctx.callActivity('echo', ctx.currentUtcDateTime.getTime());
    },
    transfer: async function* (ctx, { from, to, amount }) {
      const lock = yield ctx.entities.lockEntities(counter(to), counter(from));
      const has = yield ctx.entities.callEntity(counter(from), 'get');
      yield ctx.callActivity('slow', has); // somebody else would come in between
      if (has >= amount) {
        yield ctx.entities.callEntity(counter(from), 'add', -amount);
        yield ctx.entities.callEntity(counter(to), 'add', amount);
      }
      lock.release();
      return has >= amount;
    },
    holds: async function* (ctx, { keys, how }) {
      const lock = yield ctx.entities.lockEntities(...keys.map(counter));
      const inside = ctx.entities.isInCriticalSection();
      ctx.setCustomStatus({ locked: inside.lockedEntities.map(String) });
      const what = yield ctx.waitForExternalEvent('go');
      if (how === 'release') lock.release();
      if (how === 'fail') throw new Error('died with a lock');
      if (how === 'again') { ctx.continueAsNew({ keys: keys.slice(0, 0), how: 'done' }, false); return; }
      return what;
    },
    again: async function* (ctx, { key, round }) {
      if (round > 0) return yield ctx.entities.callEntity(counter(key), 'get');
      yield ctx.entities.lockEntities(counter(key));
      yield ctx.entities.callEntity(counter(key), 'add', 1);
      ctx.continueAsNew({ key, round: 1 }, false);
    },
    nobody: async function* (ctx) { return yield ctx.entities.callEntity(new EntityInstanceId('nobody', 'x'), 'get'); },
    started: async (_, x) => ({ started: x }),
    exists: async function* (ctx, key) {
      const before = yield ctx.entities.callEntity(counter(key), 'get');
      yield ctx.entities.callEntity(counter(key), 'delete');
      return [before, yield ctx.entities.callEntity(counter(key), 'get')];
    },
  },
};

const value = async (hub, id) => (await hub.client.getEntity(id))?.state;
const becomes = (hub, id, want) => until(async () => (await value(hub, id)) === want, `${id} is ${want}`);

async function all(pageable) {
  const got = [];
  for await (const x of pageable) got.push(x);
  return got;
}

// locked starts an orchestration that holds the entities' locks, and waits for them.
async function locked(hub, keys, how) {
  const id = await hub.client.scheduleNewOrchestration('holds', { keys, how });
  await until(async () => (await hub.client.getOrchestrationState(id)).serializedCustomStatus, `${id} has the locks`);
  for (const key of keys) assert.equal((await entity(hub, counter(key))).getLockedby()?.getValue(), id);
  return id;
}

// entity returns the protocol's message about an entity, also if it has no state but
// is known.
async function entity(hub, id) {
  const request = new pb.QueryEntitiesRequest();
  const query = new pb.EntityQuery();
  query.setInstanceidstartswith(text(id.toString()));
  query.setIncludetransient(true);
  query.setIncludestate(true);
  request.setQuery(query);
  return (await hub.call('queryEntities', request)).getEntitiesList().find((e) => e.getInstanceid() === id.toString());
}

export const scenarios = {
  'signals and the state': async (hub) => {
    const id = counter(unique('Key'));
    assert.equal(await hub.client.getEntity(id), undefined);
    const begin = Date.now();
    for (const n of [1, 2, 3]) await hub.client.signalEntity(id, 'add', n);
    await becomes(hub, id, 6);
    const got = await hub.client.getEntity(id);
    assert.equal(got.id.toString(), id.toString());
    assert.equal(got.includesState, true);
    assert.equal(got.lockedBy, undefined);
    assert.equal(got.backlogQueueSize, 0);
    assert.ok(got.lastModifiedTime.getTime() >= begin - 1000 && got.lastModifiedTime.getTime() <= Date.now() + 1000);
    assert.equal((await hub.client.getEntity(id, false)).includesState, false);
    await hub.client.signalEntity(id, 'ADD'); // names of operations in any case, no input
    await becomes(hub, id, 7);
  },

  'calls': async (hub) => {
    const key = unique('call');
    const id = await hub.client.scheduleNewOrchestration('calls', { key, ops: [['add', 1], ['add', 10], ['get']] });
    assert.deepEqual(await hub.output(id), [1, 11, 11]);
    const history = await hub.history(id);
    assert.deepEqual(kinds(history), ['OrchestratorStarted', 'ExecutionStarted', 'EntityOperationCalled#1',
      'OrchestratorStarted', 'EntityOperationCompleted', 'EntityOperationCalled#2',
      'OrchestratorStarted', 'EntityOperationCompleted', 'EntityOperationCalled#3',
      'OrchestratorStarted', 'EntityOperationCompleted', 'ExecutionCompleted#4']);
    assert.equal(history[2].targetInstanceId, `@counter@${key}`);
    assert.equal(history[2].parentInstanceId, undefined);
    assert.equal(history[2].operation, 'add');
    assert.equal(history[2].input, '1');
    assert.equal(history[4].requestId, history[2].requestId);
    assert.equal(history[4].output, '1');
  },

  'a call that fails is rolled back': async (hub) => {
    const key = unique('fail');
    const got = await hub.run('caught', key);
    assert.equal(got.type, 'RangeError');
    assert.equal(got.message, 'no such operation today');
    assert.equal(got.value, 5);
    const id = await hub.client.scheduleNewOrchestration('uncaught', key);
    assert.match((await hub.failure(id)).message, /no such operation today/);
    assert.deepEqual((await hub.kinds(id)).filter((k) => k.startsWith('Entity')), ['EntityOperationCalled#1', 'EntityOperationFailed']);
    await hub.client.signalEntity(counter(key), 'fail', 3);
    await hub.client.signalEntity(counter(key), 'add', 1);
    await becomes(hub, counter(key), 6);
  },

  'operations run in order': async (hub) => {
    const id = log(unique('fifo'));
    for (let i = 0; i < 150; i++) await hub.client.signalEntity(id, 'append', i);
    await until(async () => (await value(hub, id))?.length === 150, 'all have run');
    assert.deepEqual(await value(hub, id), Array.from({ length: 150 }, (_, i) => i));
    const key = unique('fifo');
    assert.deepEqual(await hub.run('signals', { key, n: 30 }), Array.from({ length: 30 }, (_, i) => i));
  },

  'none is lost among many': async (hub) => {
    const id = counter(unique('sum'));
    await Promise.all(Array.from({ length: 200 }, () => hub.client.signalEntity(id, 'add', 1)));
    await becomes(hub, id, 200);
  },

  'one call at a time, in many orchestrations': async (hub) => {
    const keys = Array.from({ length: 5 }, () => unique('p'));
    await Promise.all(Array.from({ length: 20 }, () => hub.run('parallel', keys)));
    for (const key of keys) assert.equal(await value(hub, counter(key)), 20);
  },

  'delayed signals are not early': async (hub) => {
    const key = unique('late');
    const due = Date.now() + 600;
    await hub.client.signalEntity(log(key), 'time', 'client', { signalTime: new Date(due) });
    const sent = await hub.run('delayed', { key, ms: 500 });
    await until(async () => (await value(hub, log(key)))?.length === 3, 'all three have come');
    const at = Object.fromEntries(await value(hub, log(key)));
    assert.ok(at.client >= due, `the client's came ${due - at.client} ms early`);
    assert.ok(at.late >= sent + 500, `the orchestration's came ${sent + 500 - at.late} ms early`);
  },

  'entities signal entities': async (hub) => {
    const from = unique('from'), to = unique('to');
    await hub.client.signalEntity(counter(from), 'signal', { to, op: 'add', input: 7 });
    await becomes(hub, counter(to), 7);
    const due = Date.now() + 400;
    await hub.client.signalEntity(counter(from), 'signal', { to, op: 'add', input: 1, at: due });
    await hub.client.signalEntity(counter(from), 'signalAndFail', { to, op: 'add', input: 1000 });
    await becomes(hub, counter(to), 8);
    assert.ok(Date.now() >= due);
    await hub.client.signalEntity(counter(from), 'signal', { to: from, op: 'add', input: 2 }); // itself
    await becomes(hub, counter(from), 2);
  },

  'entities start orchestrations': async (hub) => {
    const key = unique('starter'), id = unique('started'), later = unique('started');
    await hub.client.signalEntity(counter(key), 'start', { name: 'started', input: { a: 1 }, id });
    await until(() => hub.client.getOrchestrationState(id), 'it is started');
    assert.deepEqual(await hub.output(id), { started: { a: 1 } });
    assert.equal((await hub.history(id))[1].parentInstance, undefined);
    const at = Date.now() + 400;
    await hub.client.signalEntity(counter(key), 'start', { name: 'started', input: 2, id: later, at });
    await until(() => hub.client.getOrchestrationState(later), 'it is created');
    assert.deepEqual(await hub.output(later), { started: 2 });
    assert.ok((await hub.history(later))[0].timestamp.getTime() >= at);
    const made = await hub.run('calls', { key, ops: [['start', { name: 'started', input: 3 }]] });
    assert.deepEqual(await hub.output(made[0]), { started: 3 });
  },

  'deleted and made again': async (hub) => {
    const key = unique('gone');
    await hub.client.signalEntity(counter(key), 'add', 5);
    await becomes(hub, counter(key), 5);
    await hub.client.signalEntity(counter(key), 'delete');
    await until(async () => (await hub.client.getEntity(counter(key))) === undefined, 'it is gone');
    await hub.client.signalEntity(counter(key), 'add', 1);
    await becomes(hub, counter(key), 1);
    assert.deepEqual(await hub.run('exists', key), [1, 0]);
  },

  'locks keep others out': async (hub) => {
    const keys = [unique('acc'), unique('acc'), unique('acc')];
    for (const key of keys) await hub.client.signalEntity(counter(key), 'add', 100);
    for (const key of keys) await becomes(hub, counter(key), 100);
    const transfers = Array.from({ length: 18 }, (_, i) => ({ from: keys[i % 3], to: keys[(i + 1 + (i % 2)) % 3], amount: 30 + i }));
    const ids = await Promise.all(transfers.map((x) => hub.client.scheduleNewOrchestration('transfer', x)));
    await Promise.all(ids.map((id) => hub.output(id)));
    const balances = await Promise.all(keys.map((key) => value(hub, counter(key))));
    assert.equal(balances.reduce((a, b) => a + b), 300);
    assert.ok(balances.every((b) => b >= 0), `balances ${balances}`);
    for (const key of keys) assert.equal((await hub.client.getEntity(counter(key))).lockedBy, undefined);
    for (const id of ids) checkHistory(id, await hub.client.getOrchestrationHistory(id));
  },

  'the history of a critical section': async (hub) => {
    const from = unique('acc'), to = unique('acc');
    const id = await hub.client.scheduleNewOrchestration('transfer', { from, to, amount: 1 });
    assert.equal(await hub.output(id), false);
    const history = await hub.history(id);
    assert.deepEqual(kinds(history), ['OrchestratorStarted', 'ExecutionStarted', 'EntityLockRequested#1',
      'OrchestratorStarted', 'EntityLockGranted', 'EntityOperationCalled#2', 'OrchestratorStarted', 'EntityOperationCompleted',
      'TaskScheduled#3 slow', 'OrchestratorStarted', 'TaskCompleted>3', 'EntityUnlockSent#4', 'EntityUnlockSent#5', 'ExecutionCompleted#6']);
    assert.deepEqual(history[2].lockSet, [`@counter@${from}`, `@counter@${to}`].sort());
    assert.equal(history[4].criticalSectionId, history[2].criticalSectionId);
  },

  'what comes for a locked entity waits': async (hub) => {
    const key = unique('lock');
    await hub.client.signalEntity(counter(key), 'add', 1);
    await becomes(hub, counter(key), 1);
    const id = await locked(hub, [key], 'release');
    assert.equal((await hub.client.getEntity(counter(key))).lockedBy, id);
    await hub.client.signalEntity(counter(key), 'add', 10);
    const other = await hub.client.scheduleNewOrchestration('calls', { key, ops: [['add', 100]] });
    await sleep(200);
    assert.equal(await value(hub, counter(key)), 1);
    assert.equal(Status[(await hub.client.getOrchestrationState(other)).runtimeStatus], 'RUNNING');
    await hub.client.raiseOrchestrationEvent(id, 'go', 'x');
    assert.equal(await hub.output(id), 'x');
    assert.deepEqual(await hub.output(other), [111]);
  },

  'locks end with their holder': async (hub) => {
    for (const how of ['complete', 'fail', 'terminate']) {
      const keys = [unique('lock'), unique('lock')];
      const id = await locked(hub, keys, how);
      await hub.client.signalEntity(counter(keys[0]), 'add', 1);
      if (how === 'terminate') await hub.client.terminateOrchestration(id);
      else await hub.client.raiseOrchestrationEvent(id, 'go');
      await hub.client.waitForOrchestrationCompletion(id);
      await becomes(hub, counter(keys[0]), 1);
      const next = await locked(hub, keys, 'release');
      await hub.client.raiseOrchestrationEvent(next, 'go', 1);
      assert.equal(await hub.output(next), 1);
    }
  },

  'locks end with a generation': async (hub) => {
    assert.equal(await hub.run('again', { key: unique('lock'), round: 0 }), 1);
  },

  'one that waits for a lock is terminated': async (hub) => {
    const keys = [unique('lock'), unique('lock')].sort();
    const holder = await locked(hub, [keys[1]], 'release');
    const waiting = await hub.client.scheduleNewOrchestration('holds', { keys, how: 'release' }); // has the first, waits for the second
    await until(async () => (await entity(hub, counter(keys[0])))?.getLockedby()?.getValue() === waiting, 'it has one of two locks');
    await hub.client.terminateOrchestration(waiting);
    await hub.client.waitForOrchestrationCompletion(waiting);
    await hub.client.raiseOrchestrationEvent(holder, 'go', 1);
    await hub.output(holder);
    const next = await locked(hub, keys, 'release');
    await hub.client.raiseOrchestrationEvent(next, 'go', 1);
    assert.equal(await hub.output(next), 1);
  },

  'an entity that no worker knows': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('nobody');
    assert.match((await hub.failure(id)).message, /nobody/);
  },

  'large states': async (hub) => {
    const id = log(unique('large'));
    const big = 'ü'.repeat(2_500_000); // 5 MB
    await hub.client.signalEntity(id, 'append', big);
    await hub.client.signalEntity(id, 'append', 'small');
    await until(async () => (await value(hub, id))?.length === 2, 'both have come');
    assert.ok((await value(hub, id))[0] === big);
  },

  'queries of entities': async () => {
    const hub = await Hub.create(unique('entities'));
    await hub.worker(code);
    const keys = Array.from({ length: 12 }, (_, i) => `a${String(i).padStart(2, '0')}`);
    for (const key of keys) await hub.client.signalEntity(counter(key), 'add', 1);
    await hub.client.signalEntity(log('B1'), 'append', 'x');
    await hub.client.signalEntity(counter('gone'), 'add', 1);
    await hub.client.signalEntity(counter('gone'), 'delete');
    for (const key of keys) await becomes(hub, counter(key), 1);
    await until(async () => (await value(hub, log('B1')))?.length === 1, 'the log is there');
    await until(async () => (await hub.client.getEntity(counter('gone'))) === undefined, 'one is gone');
    const query = async (filter) => (await all(hub.client.getEntities(filter))).map((e) => e.id.toString()).sort();
    const counters = keys.map((k) => `@counter@${k}`);
    assert.deepEqual(await query(), [...counters, '@log@B1'].sort());
    assert.deepEqual(await query({ instanceIdStartsWith: 'Counter@a0' }), counters.slice(0, 10));
    assert.deepEqual(await query({ instanceIdStartsWith: 'LOG' }), ['@log@B1']);
    assert.deepEqual(await query({ pageSize: 5 }), [...counters, '@log@B1'].sort());
    assert.deepEqual(await query({ lastModifiedTo: new Date(Date.now() - 3600_000) }), []);
    assert.equal((await query({ lastModifiedFrom: new Date(Date.now() - 3600_000) })).length, 13);
    const [bare] = await all(hub.client.getEntities({ instanceIdStartsWith: 'log@', includeState: false }));
    assert.equal(bare.includesState, false);
    const [full] = await all(hub.client.getEntities({ instanceIdStartsWith: 'log@' }));
    assert.deepEqual(full.state, ['x']);
    assert.deepEqual(await all(hub.client.getAllInstances()), []); // orchestrations only
    await hub.stop();
  },

  'cleaning finds nothing to do': async (hub) => {
    const got = await hub.client.cleanEntityStorage();
    assert.deepEqual([got.emptyEntitiesRemoved, got.orphanedLocksReleased, got.continuationToken], [0, 0, undefined]);
  },

  'ids of entities': async (hub) => {
    const odd = new EntityInstanceId('counter', unique('a@b/c d'));
    await hub.client.signalEntity(odd, 'add', 1);
    await becomes(hub, odd, 1);
    const long = new EntityInstanceId('counter', 'x'.repeat(100));
    await rejects(hub.client.signalEntity(long, 'add', 1), 'INVALID_ARGUMENT');
    const e = await rejects(hub.client.getEntity(long), 'INVALID_ARGUMENT');
    assert.match(e.details, /length/);
  },
};
