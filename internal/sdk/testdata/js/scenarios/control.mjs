// Suspend, resume, terminate; which worker gets what: filters, versions, limits.
import assert from 'node:assert/strict';
import sdk from '@microsoft/durabletask-js';
import { Hub, Status, kinds, rejects, sleep, unique, until } from '../harness.mjs';

const { VersionFailureStrategy, VersionMatchStrategy, whenAll } = sdk;
const opened = new Set();

export const code = {
  activities: {
    echo: (_, x) => x,
    wait: async (_, key) => { while (!opened.has(key)) await sleep(5); return 'waited'; },
  },
  orchestrators: {
    one: async function* (ctx, x) { return yield ctx.callActivity('echo', x); },
    collect: async function* (ctx, n) {
      const got = [];
      while (got.length < n) got.push(yield ctx.waitForExternalEvent('Item'));
      return got;
    },
    event: async function* (ctx) { return yield ctx.waitForExternalEvent('go'); },
    timer: async function* (ctx, seconds) { yield ctx.createTimer(seconds); return 'fired'; },
    works: async function* (ctx, key) { return yield ctx.callActivity('wait', key); },
  },
};

export const scenarios = {
  'suspend and resume': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('collect', 6);
    await hub.reaches(id, Status.RUNNING);
    await hub.client.raiseOrchestrationEvent(id, 'Item', 0);
    await hub.client.suspendOrchestration(id);
    await hub.reaches(id, Status.SUSPENDED);
    for (let i = 1; i < 6; i++) await hub.client.raiseOrchestrationEvent(id, 'Item', i);
    await sleep(200);
    assert.equal(Status[(await hub.client.getOrchestrationState(id)).runtimeStatus], 'SUSPENDED');
    await hub.client.resumeOrchestration(id);
    assert.deepEqual(await hub.output(id), [0, 1, 2, 3, 4, 5]);
    const history = await hub.kinds(id);
    assert.ok(history.indexOf('ExecutionSuspended') < history.indexOf('ExecutionResumed'));
    assert.equal(history.filter((k) => k === 'EventRaised Item').length, 6);
  },

  'suspended again and again': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('collect', 10);
    await hub.reaches(id, Status.RUNNING);
    for (let i = 0; i < 10; i++) {
      await hub.client.suspendOrchestration(id);
      await hub.client.raiseOrchestrationEvent(id, 'Item', i);
      await hub.client.resumeOrchestration(id);
    }
    assert.deepEqual(await hub.output(id), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  },

  'timers and results wait while suspended': async (hub) => {
    const key = unique('key');
    const timer = await hub.client.scheduleNewOrchestration('timer', 3), works = await hub.client.scheduleNewOrchestration('works', key);
    for (const id of [timer, works]) {
      await hub.reaches(id, Status.RUNNING);
      await hub.client.suspendOrchestration(id);
      await hub.reaches(id, Status.SUSPENDED);
    }
    opened.add(key);
    await sleep(3200);
    for (const id of [timer, works]) assert.equal(Status[(await hub.client.getOrchestrationState(id)).runtimeStatus], 'SUSPENDED');
    for (const id of [timer, works]) await hub.client.resumeOrchestration(id);
    assert.equal(await hub.output(timer), 'fired');
    assert.equal(await hub.output(works), 'waited');
  },

  'terminate': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('event');
    await hub.reaches(id, Status.RUNNING);
    await hub.client.terminateOrchestration(id, { why: ['x', null] });
    const state = await hub.client.waitForOrchestrationCompletion(id);
    assert.equal(Status[state.runtimeStatus], 'TERMINATED');
    assert.equal(state.serializedOutput, '{"why":["x",null]}');
    const history = await hub.history(id);
    assert.deepEqual(kinds(history), ['OrchestratorStarted', 'ExecutionStarted', 'OrchestratorStarted', 'ExecutionTerminated', 'ExecutionCompleted#1']);
    assert.equal(history.at(-1).orchestrationStatus, 'ORCHESTRATION_STATUS_TERMINATED');
    const plain = await hub.client.scheduleNewOrchestration('event');
    await hub.client.terminateOrchestration(plain);
    assert.equal((await hub.client.waitForOrchestrationCompletion(plain)).serializedOutput, 'null');
  },

  'terminate while suspended': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('event');
    await hub.reaches(id, Status.RUNNING);
    await hub.client.suspendOrchestration(id);
    await hub.reaches(id, Status.SUSPENDED);
    await hub.client.raiseOrchestrationEvent(id, 'other');
    await hub.client.terminateOrchestration(id, 'enough');
    const state = await hub.client.waitForOrchestrationCompletion(id);
    assert.equal(Status[state.runtimeStatus], 'TERMINATED');
    assert.equal(state.serializedOutput, '"enough"');
  },

  'terminate while an activity runs': async (hub) => {
    const key = unique('key');
    const id = await hub.client.scheduleNewOrchestration('works', key);
    await hub.reaches(id, Status.RUNNING);
    await hub.client.terminateOrchestration(id, 'now');
    assert.equal(Status[(await hub.client.waitForOrchestrationCompletion(id)).runtimeStatus], 'TERMINATED');
    const before = await hub.kinds(id);
    opened.add(key);
    await sleep(200);
    assert.deepEqual(await hub.kinds(id), before); // the late result changes nothing
  },

  'terminate without a worker': async () => {
    const hub = await Hub.create(unique('alone'));
    const id = await hub.client.scheduleNewOrchestration('event');
    await hub.client.terminateOrchestration(id, 'nobody runs it');
    const state = await hub.client.waitForOrchestrationCompletion(id, true, 30);
    assert.equal(Status[state.runtimeStatus], 'TERMINATED');
    assert.equal(state.serializedOutput, '"nobody runs it"');
  },

  'suspend, resume, terminate of what has ended': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('one', 1);
    await hub.output(id);
    const before = await hub.kinds(id);
    await hub.client.suspendOrchestration(id);
    await hub.client.resumeOrchestration(id);
    await hub.client.terminateOrchestration(id, 'late');
    const state = await hub.client.getOrchestrationState(id);
    assert.deepEqual([Status[state.runtimeStatus], state.serializedOutput], ['COMPLETED', '1']);
    assert.deepEqual(await hub.kinds(id), before);
  },

  'suspend before the first turn': async () => {
    const hub = await Hub.create(unique('sleepy'));
    const id = await hub.client.scheduleNewOrchestration('one', 1);
    await hub.client.suspendOrchestration(id);
    await hub.worker(code);
    await hub.reaches(id, Status.SUSPENDED);
    await hub.client.resumeOrchestration(id);
    assert.equal(await hub.output(id), 1);
    await hub.stop();
  },

  'filters: each worker gets what it knows': async () => {
    const hub = await Hub.create(unique('filters'));
    const by = { a: [], b: [] };
    const activity = (name) => ({ echo: (_, x) => { by[name].push(x); return name; } });
    const chain = async function* (ctx) { return [yield ctx.callActivity('echo', 1), yield ctx.callActivity('other', 2)]; };
    await hub.worker({ orchestrators: { chain }, activities: activity('a') }, { workItemFilters: 'auto' });
    const id = await hub.client.scheduleNewOrchestration('chain');
    await until(() => by.a.length === 1, 'the first activity has run');
    await sleep(200);
    assert.equal(Status[(await hub.client.getOrchestrationState(id)).runtimeStatus], 'RUNNING'); // nobody takes the second
    const unknown = await hub.client.scheduleNewOrchestration('later');
    await sleep(200);
    assert.equal(Status[(await hub.client.getOrchestrationState(unknown)).runtimeStatus], 'PENDING');
    await hub.worker({ orchestrators: { later: async () => 'at last' }, activities: { other: (_, x) => { by.b.push(x); return 'b'; } } }, { workItemFilters: 'auto' });
    assert.deepEqual(await hub.output(id), ['a', 'b']);
    assert.equal(await hub.output(unknown), 'at last');
    assert.deepEqual(by, { a: [1], b: [2] });
    await hub.stop();
  },

  'filters with nothing in them': async () => {
    const hub = await Hub.create(unique('none'));
    await hub.worker(code, { workItemFilters: { orchestrations: [], activities: [], entities: [] } });
    const id = await hub.client.scheduleNewOrchestration('one', 1);
    await sleep(300);
    assert.equal(Status[(await hub.client.getOrchestrationState(id)).runtimeStatus], 'PENDING');
    await hub.worker(code);
    assert.equal(await hub.output(id), 1);
    await hub.stop();
  },

  'filters by version': async () => {
    const hub = await Hub.create(unique('versions'));
    const v = (name) => ({ orchestrators: { v: async function* (ctx) { return [name, yield ctx.callActivity('v')]; } }, activities: { v: () => name } });
    for (const version of ['1.0', '2.0']) {
      await hub.worker(v(version), { workItemFilters: 'auto', versioning: { version, matchStrategy: VersionMatchStrategy.Strict, failureStrategy: VersionFailureStrategy.Reject } });
    }
    for (let i = 0; i < 10; i++) {
      for (const version of ['1.0', '2.0']) assert.deepEqual(await hub.run('v', null, { version }), [version, version]);
    }
    const nobody = await hub.client.scheduleNewOrchestration('v', null, { version: '3.0' });
    const without = await hub.client.scheduleNewOrchestration('v', null);
    await sleep(300);
    for (const id of [nobody, without]) assert.equal(Status[(await hub.client.getOrchestrationState(id)).runtimeStatus], 'PENDING');
    await hub.worker(v('any'));
    assert.equal((await hub.output(nobody))[0], 'any');
    assert.equal((await hub.output(without))[0], 'any');
    await hub.stop();
  },

  'a version that a worker rejects goes to another': async () => {
    const hub = await Hub.create(unique('reject'));
    const v = (name) => ({ orchestrators: { v: async (ctx) => [name, ctx.version] } });
    await hub.worker(v('old'), { versioning: { version: '1.0', matchStrategy: VersionMatchStrategy.CurrentOrOlder, failureStrategy: VersionFailureStrategy.Reject } });
    assert.deepEqual(await hub.run('v', null, { version: '0.9' }), ['old', '0.9']);
    assert.deepEqual(await hub.run('v', null), ['old', '']);
    const id = await hub.client.scheduleNewOrchestration('v', null, { version: '2.0' });
    await sleep(200);
    assert.equal(Status[(await hub.client.getOrchestrationState(id)).runtimeStatus], 'PENDING');
    await hub.worker(v('new'), { versioning: { version: '2.0', matchStrategy: VersionMatchStrategy.Strict, failureStrategy: VersionFailureStrategy.Reject } });
    assert.deepEqual(await hub.output(id), ['new', '2.0']);
    await hub.stop();
  },

  'a version that a worker fails': async () => {
    const hub = await Hub.create(unique('fail'));
    await hub.worker({ orchestrators: { v: async () => 'ran' } }, { versioning: { version: '1.0', matchStrategy: VersionMatchStrategy.Strict, failureStrategy: VersionFailureStrategy.Fail } });
    const id = await hub.client.scheduleNewOrchestration('v', null, { version: '2.0' });
    const details = await hub.failure(id);
    assert.equal(details.errorType, 'VersionMismatch');
    assert.equal((await hub.state(id)).getFailuredetails().getIsnonretriable(), true);
    assert.equal(await hub.run('v', null, { version: '1.0' }), 'ran');
    await hub.stop();
  },

  'several workers share the work, an instance has one turn at a time': async () => {
    const hub = await Hub.create(unique('share'));
    const by = [0, 0, 0];
    const busy = new Set();
    const make = (i) => ({
      orchestrators: {
        ping: async function* (ctx, n) {
          assert.ok(!busy.has(ctx.instanceId), 'two turns at the same time');
          busy.add(ctx.instanceId);
          await sleep(5);
          busy.delete(ctx.instanceId);
          return yield whenAll(Array.from({ length: n }, (_, k) => ctx.callActivity('count', k)));
        },
      },
      activities: { count: async (_, k) => { by[i]++; await sleep(2); return k; } },
    });
    for (const i of [0, 1, 2]) await hub.worker(make(i));
    await sleep(300); // until all three streams are open
    await Promise.all(Array.from({ length: 30 }, () => hub.run('ping', 20)));
    assert.equal(by.reduce((a, b) => a + b), 600);
    assert.ok(by.every((n) => n > 0), `the workers ran ${by} activities`);
    await hub.stop();
  },

  'a worker that stops hands on what it has not begun': async () => {
    const hub = await Hub.create(unique('drain'));
    const first = await hub.worker(code);
    const ids = await Promise.all(Array.from({ length: 20 }, (_, i) => hub.client.scheduleNewOrchestration('one', i)));
    await Promise.all([hub.stop(first), hub.worker(code)]);
    assert.deepEqual(await Promise.all(ids.map((id) => hub.output(id))), Array.from({ length: 20 }, (_, i) => i));
    await hub.stop();
  },

  'what is sent to a worker that is not there yet waits': async () => {
    const hub = await Hub.create(unique('later'));
    const ids = await Promise.all(Array.from({ length: 50 }, (_, i) => hub.client.scheduleNewOrchestration('one', i)));
    for (const id of ids.slice(0, 3)) assert.equal(Status[(await hub.client.getOrchestrationState(id)).runtimeStatus], 'PENDING');
    await hub.worker(code);
    assert.deepEqual(await Promise.all(ids.map((id) => hub.output(id))), Array.from({ length: 50 }, (_, i) => i));
    await hub.stop();
  },

  'an entity is no orchestration': async (hub) => {
    await rejects(hub.client.raiseOrchestrationEvent('@list@x', 'go'), 'INVALID_ARGUMENT');
    assert.equal(await hub.client.getOrchestrationState('@list@x'), undefined);
  },
};
