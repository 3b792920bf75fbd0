// Orchestrations with activities and timers: results, payloads, failures, starts.
import assert from 'node:assert/strict';
import sdk from '@microsoft/durabletask-js';
import { Status, address, checkHistory, kinds, pb, rejects, sleep, text, time, unique, until } from '../harness.mjs';

const { RetryPolicy, whenAll, whenAny } = sdk;
const runs = new Map(); // how often an activity has run, by its key
const count = (key) => { runs.set(key, (runs.get(key) ?? 0) + 1); return runs.get(key); };
const gates = new Map(); // promises that activities wait for, by key
function gate(key) {
  if (!gates.has(key)) {
    let open;
    const promise = new Promise((resolve) => { open = resolve; });
    gates.set(key, { promise, open });
  }
  return gates.get(key);
}

class CustomError extends Error {
  constructor(message, options) { super(message, options); this.name = 'CustomError'; }
}

export const code = {
  activities: {
    echo: (_, x) => x,
    inc: (_, n) => n + 1,
    nothing: () => undefined,
    fail: (_, message) => { throw new CustomError(message ?? '', { cause: new TypeError('the reason') }); },
    flaky: (_, { key, times }) => { const n = count(key); if (n <= times) throw new CustomError(`attempt ${n}`); return n; },
    wait: async (_, key) => { await gate(key).promise; return 'waited'; },
    grow: (_, n) => 'ä'.repeat(n),
    length: (_, s) => s.length,
  },
  orchestrators: {
    chain: async function* (ctx, n) {
      const a = yield ctx.callActivity('inc', n);
      const b = yield ctx.callActivity('inc', a);
      return yield ctx.callActivity('inc', b);
    },
    one: async function* (ctx, x) { return yield ctx.callActivity('echo', x); },
    mixed: async function* (ctx) {
      const a = yield ctx.callActivity('echo', 'a');
      yield ctx.createTimer(0.05);
      const c = yield ctx.callSubOrchestrator('direct', 'c');
      return [a, c];
    },
    direct: async (_, x) => ({ direct: x }),
    none: async () => undefined,
    fan: async function* (ctx, n) {
      return yield whenAll(Array.from({ length: n }, (_, i) => ctx.callActivity('inc', i)));
    },
    fanFail: async function* (ctx) {
      yield whenAll([ctx.callActivity('echo', 1), ctx.callActivity('fail', 'one'), ctx.callActivity('fail', 'two')]);
    },
    caught: async function* (ctx) {
      try {
        yield ctx.callActivity('fail', 'oh no');
      } catch (e) {
        return { message: e.message, type: e.details.errorType, stack: e.details.stackTrace.includes('CustomError'), then: yield ctx.callActivity('echo', 'mended') };
      }
    },
    uncaught: async function* (ctx) { yield ctx.callActivity('fail', 'oh no'); },
    throws: async function* () { throw new CustomError('from the orchestrator', { cause: new Error('inner') }); },
    missing: async function* (ctx) { yield ctx.callActivity('nobody'); },
    yields: async function* () { yield 7; },
    payload: async function* (ctx, n) {
      const big = yield ctx.callActivity('grow', n);
      const length = yield ctx.callActivity('length', big);
      return { length, big };
    },
    big: async (_, s) => s,
    status: async function* (ctx, key) {
      ctx.setCustomStatus({ step: 1 });
      yield ctx.callActivity('wait', key);
      ctx.setCustomStatus('two "quoted"');
      yield ctx.waitForExternalEvent('go');
      ctx.setCustomStatus(null);
      return 'done';
    },
    emptyStatus: async function* (ctx) { ctx.setCustomStatus(''); yield ctx.callActivity('echo', 1); return 'done'; },
    stable: async function* (ctx) {
      const got = [];
      for (let i = 0; i < 5; i++) {
        const now = ctx.currentUtcDateTime.toISOString();
        const same = yield ctx.callActivity('echo', { id: ctx.newGuid(), now });
        got.push(same.id === undefined ? 'lost' : same);
      }
      return got;
    },
    versions: async function* (ctx) {
      const child = yield ctx.callSubOrchestrator('version', undefined, { version: '3.1', tags: { a: 'child' } });
      return [ctx.version, child];
    },
    version: async (ctx) => ctx.version,
    tagged: async function* (ctx) { return yield ctx.callActivity('echo', 1, { tags: { task: 'yes', other: '' }, version: '9' }); },
    timers: async function* (ctx) {
      const started = ctx.currentUtcDateTime;
      yield ctx.createTimer(0.3);
      const fired = ctx.currentUtcDateTime;
      yield ctx.createTimer(new Date(started.getTime() - 60_000));
      return { waited: fired - started, past: ctx.currentUtcDateTime - fired };
    },
    race: async function* (ctx) {
      const order = [];
      const timers = [0.4, 0.1, 0.25].map((s) => ctx.createTimer(s));
      for (const names = ['slow', 'fast', 'middle']; timers.length > 0; ) {
        const first = yield whenAny(timers);
        const i = timers.indexOf(first);
        order.push(names[i]);
        timers.splice(i, 1);
        names.splice(i, 1);
      }
      return order;
    },
    cancelled: async function* (ctx) {
      const timer = ctx.createTimer(3600);
      const event = ctx.waitForExternalEvent('go');
      const first = yield whenAny([timer, event]);
      if (first === timer) return 'late';
      timer.cancel();
      return event.getResult();
    },
    retried: async function* (ctx, { key, times, attempts }) {
      return yield ctx.callActivity('flaky', { key, times }, {
        tags: { kept: 'yes' },
        retry: new RetryPolicy({ maxNumberOfAttempts: attempts, firstRetryIntervalInMilliseconds: 30, backoffCoefficient: 2 }),
      });
    },
    handled: async function* (ctx, key) {
      return yield ctx.callActivity('flaky', { key, times: 3 }, { retry: (c) => (c.lastAttemptNumber < 3 ? true : 20) });
    },
    picky: async function* (ctx, key) {
      return yield ctx.callActivity('flaky', { key, times: 9 }, {
        retry: new RetryPolicy({ maxNumberOfAttempts: 9, firstRetryIntervalInMilliseconds: 1, handleFailure: (f) => f.message !== 'attempt 2' }),
      });
    },
    event: async function* (ctx) { return yield ctx.waitForExternalEvent('go'); },
  },
};

export const scenarios = {
  'a chain has the history that the protocol wants': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('chain', 1);
    assert.equal(await hub.output(id), 4);
    const history = await hub.history(id);
    assert.deepEqual(kinds(history), [
      'OrchestratorStarted', 'ExecutionStarted', 'TaskScheduled#1 inc',
      'OrchestratorStarted', 'TaskCompleted>1', 'TaskScheduled#2 inc',
      'OrchestratorStarted', 'TaskCompleted>2', 'TaskScheduled#3 inc',
      'OrchestratorStarted', 'TaskCompleted>3', 'ExecutionCompleted#4',
    ]);
    assert.deepEqual(history.filter((e) => e.type === 'TaskScheduled').map((e) => e.input), ['1', '2', '3']);
    assert.deepEqual(history.filter((e) => e.type === 'TaskCompleted').map((e) => e.result), ['2', '3', '4']);
    assert.equal(history[1].name, 'chain');
    assert.equal(history[1].input, '1');
    assert.equal(history.at(-1).orchestrationStatus, 'ORCHESTRATION_STATUS_COMPLETED');
    assert.equal(history.at(-1).result, '4');
  },

  'one activity makes 6 events': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('one', 'x');
    assert.equal(await hub.output(id), 'x');
    const history = await hub.history(id);
    assert.deepEqual(kinds(history), ['OrchestratorStarted', 'ExecutionStarted', 'TaskScheduled#1 echo', 'OrchestratorStarted', 'TaskCompleted>1', 'ExecutionCompleted#2']);
    assert.deepEqual(history.map((e) => e.eventId), [-1, 0, 1, -1, -1, 2]);
  },

  'activity, timer and child make 12 events': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('mixed');
    assert.deepEqual(await hub.output(id), ['a', { direct: 'c' }]);
    assert.deepEqual(await hub.kinds(id), [
      'OrchestratorStarted', 'ExecutionStarted', 'TaskScheduled#1 echo', 'OrchestratorStarted', 'TaskCompleted>1',
      'TimerCreated#2', 'OrchestratorStarted', 'TimerFired>2', 'SubOrchestrationInstanceCreated#3 direct',
      'OrchestratorStarted', 'SubOrchestrationInstanceCompleted>3', 'ExecutionCompleted#4',
    ]);
  },

  'an orchestration without tasks': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('direct', 5);
    assert.deepEqual(await hub.output(id), { direct: 5 });
    assert.deepEqual(await hub.kinds(id), ['OrchestratorStarted', 'ExecutionStarted', 'ExecutionCompleted#1']);
  },

  'fan-out and fan-in': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('fan', 200);
    assert.deepEqual(await hub.output(id), Array.from({ length: 200 }, (_, i) => i + 1));
    const history = await hub.history(id);
    assert.deepEqual(history.filter((e) => e.type === 'TaskScheduled').map((e) => e.eventId), Array.from({ length: 200 }, (_, i) => i + 1));
    assert.equal(history.filter((e) => e.type === 'TaskCompleted').length, 200);
    assert.equal(history.at(-1).eventId, 201);
  },

  'a fan-out of which two fail': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('fanFail');
    const details = await hub.failure(id);
    assert.match(details.message, /2 of 3 tasks in the whenAll failed/);
    assert.match(details.message, /one/);
    assert.match(details.message, /two/);
    const history = await hub.history(id);
    assert.equal(history.filter((e) => e.type === 'TaskFailed').length, 2);
  },

  'inputs and outputs of every shape': async (hub) => {
    for (const x of [null, '', 0, false, [], {}, 'ünïcödé \u{1F600} \u0000 end', { deep: [{ a: null }] }, 1.5e300]) {
      const id = await hub.client.scheduleNewOrchestration('one', x);
      assert.deepEqual(await hub.output(id), x);
      const state = await hub.client.getOrchestrationState(id);
      assert.equal(state.serializedInput, JSON.stringify(x));
      assert.equal(state.serializedOutput, JSON.stringify(x));
    }
  },

  'no input and no output': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('none');
    const state = await hub.client.waitForOrchestrationCompletion(id);
    assert.equal(state.serializedInput, ''); // the SDK sends an empty text
    assert.equal(state.serializedOutput, undefined);
    const message = await hub.state(id);
    assert.equal(message.hasInput(), true);
    assert.equal(message.hasOutput(), false);
    assert.equal(message.hasCustomstatus(), false);
    const undefinedResult = await hub.client.scheduleNewOrchestration('one');
    assert.equal(await hub.output(undefinedResult), undefined);
    const history = await hub.history(undefinedResult);
    assert.equal(history[2].input, undefined);
    assert.equal(history[4].result, ''); // an activity without a result answers an empty text
  },

  'an absent input stays absent': async (hub) => {
    const request = new pb.CreateInstanceRequest();
    request.setInstanceid(unique('absent'));
    request.setName('none');
    await hub.call('startInstance', request);
    await hub.output(request.getInstanceid());
    assert.equal((await hub.state(request.getInstanceid())).hasInput(), false);
    assert.equal((await hub.history(request.getInstanceid()))[1].input, undefined);
  },

  'payloads above 4 MiB': async (hub) => {
    const n = 3 << 20; // characters of 2 bytes: 6 MiB
    const id = await hub.client.scheduleNewOrchestration('payload', n);
    const { length, big } = await hub.output(id);
    assert.equal(length, n);
    assert.ok(big === 'ä'.repeat(n));
    const history = await hub.history(id);
    assert.equal(history.find((e) => e.type === 'TaskCompleted').result.length, n + 2);
    const input = 'x'.repeat(5 << 20);
    const echoed = await hub.client.scheduleNewOrchestration('big', input);
    assert.ok((await hub.output(echoed)) === input);
    await hub.client.purgeOrchestration(id);
    await hub.client.purgeOrchestration(echoed);
  },

  'custom status': async (hub) => {
    const key = unique('status');
    const id = await hub.client.scheduleNewOrchestration('status', key);
    const status = async (want) => until(async () => (await hub.client.getOrchestrationState(id)).serializedCustomStatus === want, `the custom status is ${want}`);
    await status('{"step":1}');
    gate(key).open();
    await status('"two \\"quoted\\""');
    const without = await hub.client.getOrchestrationState(id, false);
    assert.equal(without.serializedInput, undefined);
    assert.equal(without.serializedCustomStatus, '"two \\"quoted\\""');
    await hub.client.raiseOrchestrationEvent(id, 'go');
    assert.equal(await hub.output(id), 'done');
    assert.equal((await hub.client.getOrchestrationState(id)).serializedCustomStatus, '"two \\"quoted\\""'); // null means: unchanged
    const quotes = await hub.client.scheduleNewOrchestration('emptyStatus');
    await hub.output(quotes);
    assert.equal((await hub.client.getOrchestrationState(quotes)).serializedCustomStatus, '""');
  },

  'ids and times are the same in each replay': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('stable');
    const got = await hub.output(id);
    assert.equal(new Set(got.map((g) => g.id)).size, 5);
    const history = await hub.history(id);
    const scheduled = history.filter((e) => e.type === 'TaskScheduled').map((e) => JSON.parse(e.input));
    assert.deepEqual(got, scheduled);
    const started = history.filter((e) => e.type === 'OrchestratorStarted').map((e) => e.timestamp.toISOString());
    assert.deepEqual(scheduled.map((s) => s.now), started.slice(0, 5));
  },

  'tags': async (hub) => {
    const tags = { owner: 'me', 'key with space': 'ü', empty: '' };
    const id = await hub.client.scheduleNewOrchestration('tagged', null, { instanceId: unique('tags'), tags });
    assert.equal(await hub.output(id), 1);
    assert.deepEqual({ ...(await hub.client.getOrchestrationState(id)).tags }, tags);
    for await (const state of hub.client.getAllInstances({ instanceIdPrefix: id })) assert.deepEqual({ ...state.tags }, tags);
    const history = await hub.history(id);
    assert.deepEqual({ ...history[1].tags }, tags);
    const scheduled = history.find((e) => e.type === 'TaskScheduled');
    assert.deepEqual({ ...scheduled.tags }, { task: 'yes', other: '' });
    assert.equal(scheduled.version, '9');
  },

  'versions': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('versions', undefined, { version: '2.0' });
    assert.deepEqual(await hub.output(id), ['2.0', '3.1']);
    const history = await hub.history(id);
    assert.equal(history[1].version, '2.0');
    const created = history.find((e) => e.type === 'SubOrchestrationInstanceCreated');
    assert.equal(created.version, '3.1');
    const child = await hub.history(created.instanceId);
    assert.equal(child[1].version, '3.1');
    assert.deepEqual({ ...child[1].tags }, { a: 'child' });
    assert.equal((await hub.state(id)).getVersion().getValue(), '2.0');
    const old = new sdk.TaskHubGrpcClient({ hostAddress: address, metadataGenerator: hub.metadata, logger: new sdk.NoOpLogger(), defaultVersion: '1.7' });
    assert.equal(await hub.output(await old.scheduleNewOrchestration('version')), '1.7');
  },

  'a failure of an activity is caught': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('caught');
    const got = await hub.output(id);
    assert.deepEqual(got, { message: 'Activity task #1 failed: oh no', type: 'CustomError', stack: true, then: 'mended' });
    assert.deepEqual(await hub.kinds(id), ['OrchestratorStarted', 'ExecutionStarted', 'TaskScheduled#1 fail', 'OrchestratorStarted', 'TaskFailed>1',
      'TaskScheduled#2 echo', 'OrchestratorStarted', 'TaskCompleted>2', 'ExecutionCompleted#3']);
  },

  'failure details pass unchanged': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('uncaught');
    const details = await hub.failure(id);
    assert.equal(details.errorType, 'TaskFailedError');
    assert.equal(details.message, 'Activity task #1 failed: oh no');
    const failed = (await hub.history(id)).find((e) => e.type === 'TaskFailed');
    assert.equal(failed.failureDetails.errorType, 'CustomError');
    const raw = (await hub.rawHistory(id)).find((e) => e.hasTaskfailed()).getTaskfailed().getFailuredetails();
    assert.equal(raw.getInnerfailure().getErrortype(), 'TypeError');
    assert.equal(raw.getInnerfailure().getErrormessage(), 'the reason');
    assert.match(raw.getStacktrace().getValue(), /CustomError: oh no/);
    const thrown = await hub.client.scheduleNewOrchestration('throws');
    assert.equal((await hub.failure(thrown)).message, 'from the orchestrator');
    const state = await hub.state(thrown);
    assert.equal(state.getFailuredetails().getErrortype(), 'CustomError');
    assert.equal(state.getFailuredetails().getInnerfailure().getErrormessage(), 'inner');
    assert.equal(state.hasOutput(), false);
    const told = await hub.client.getOrchestrationState(thrown);
    assert.throws(() => told.raiseIfFailed(), /from the orchestrator/);
    const completed = (await hub.history(thrown)).at(-1);
    assert.equal(completed.orchestrationStatus, 'ORCHESTRATION_STATUS_FAILED');
    assert.equal(completed.failureDetails.errorType, 'CustomError');
  },

  'what is not registered fails': async (hub) => {
    const unknown = await hub.client.scheduleNewOrchestration('nobodyKnows');
    assert.match((await hub.failure(unknown)).message, /nobodyKnows/);
    const activity = await hub.client.scheduleNewOrchestration('missing');
    assert.match((await hub.failure(activity)).message, /nobody/);
    const bad = await hub.client.scheduleNewOrchestration('yields');
    assert.match((await hub.failure(bad)).message, /non-Task/);
  },

  'timers fire when they are due': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('timers');
    const got = await hub.output(id);
    assert.ok(got.waited >= 300, `it waited ${got.waited} ms`);
    assert.ok(got.past < 5000, `the past timer took ${got.past} ms`);
    const history = await hub.history(id);
    assert.deepEqual(kinds(history), ['OrchestratorStarted', 'ExecutionStarted', 'TimerCreated#1', 'OrchestratorStarted', 'TimerFired>1',
      'TimerCreated#2', 'OrchestratorStarted', 'TimerFired>2', 'ExecutionCompleted#3']);
    assert.equal(history[2].fireAt.getTime() - history[0].timestamp.getTime(), 300);
    assert.deepEqual(history[4].fireAt, history[2].fireAt);
    assert.ok(history[4].timestamp >= history[2].fireAt);
  },

  'timers fire in the order of their times': async (hub) => {
    assert.deepEqual(await hub.run('race'), ['fast', 'middle', 'slow']);
  },

  'a cancelled timer does not hold an orchestration': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('cancelled');
    await hub.reaches(id, Status.RUNNING);
    await hub.client.raiseOrchestrationEvent(id, 'go', 'early');
    assert.equal(await hub.output(id), 'early');
    assert.deepEqual(await hub.kinds(id), ['OrchestratorStarted', 'ExecutionStarted', 'TimerCreated#1', 'OrchestratorStarted', 'EventRaised go', 'ExecutionCompleted#2']);
  },

  'a retry policy': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('retried', { key: unique('retry'), times: 2, attempts: 5 });
    assert.equal(await hub.output(id), 3);
    const history = await hub.history(id);
    assert.deepEqual(kinds(history), [
      'OrchestratorStarted', 'ExecutionStarted', 'TaskScheduled#1 flaky',
      'OrchestratorStarted', 'TaskFailed>1', 'TimerCreated#2', 'OrchestratorStarted', 'TimerFired>2', 'TaskScheduled#3 flaky',
      'OrchestratorStarted', 'TaskFailed>3', 'TimerCreated#4', 'OrchestratorStarted', 'TimerFired>4', 'TaskScheduled#5 flaky',
      'OrchestratorStarted', 'TaskCompleted>5', 'ExecutionCompleted#6',
    ]);
    for (const e of history.filter((e) => e.type === 'TaskScheduled')) assert.deepEqual({ ...e.tags }, { kept: 'yes' });
  },

  'a retry policy that gives up': async (hub) => {
    const key = unique('retry');
    const id = await hub.client.scheduleNewOrchestration('retried', { key, times: 99, attempts: 3 });
    assert.match((await hub.failure(id)).message, /attempt 3/);
    assert.equal(runs.get(key), 3);
  },

  'a retry handler': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('handled', unique('retry'));
    assert.equal(await hub.output(id), 4);
    const history = await hub.history(id);
    assert.equal(history.filter((e) => e.type === 'TaskScheduled').length, 4);
    assert.equal(history.filter((e) => e.type === 'TimerCreated').length, 1);
  },

  'a retry policy that does not retry everything': async (hub) => {
    const key = unique('retry');
    const id = await hub.client.scheduleNewOrchestration('picky', key);
    assert.match((await hub.failure(id)).message, /attempt 2/);
    assert.equal(runs.get(key), 2);
  },

  'an id in use is refused': async (hub) => {
    const id = unique('twice');
    await hub.client.scheduleNewOrchestration('event', null, id);
    await rejects(hub.client.scheduleNewOrchestration('event', null, id), 'ALREADY_EXISTS');
    await hub.reaches(id, Status.RUNNING);
    await rejects(hub.client.scheduleNewOrchestration('event', null, id), 'ALREADY_EXISTS');
    await hub.client.raiseOrchestrationEvent(id, 'go', 1);
    await hub.output(id);
    await rejects(hub.client.scheduleNewOrchestration('event', null, id), 'ALREADY_EXISTS');
    assert.equal(await hub.output(id), 1);
    await hub.client.purgeOrchestration(id);
    await hub.client.scheduleNewOrchestration('direct', 2, id);
    assert.deepEqual(await hub.output(id), { direct: 2 });
  },

  'reuse policies': async (hub) => {
    const S = pb.OrchestrationStatus;
    const start = (id, statuses, input) => {
      const request = new pb.CreateInstanceRequest();
      request.setInstanceid(id);
      request.setName('one');
      request.setInput(text(JSON.stringify(input)));
      const policy = new pb.OrchestrationIdReusePolicy();
      policy.setReplaceablestatusList(statuses.map((s) => S[`ORCHESTRATION_STATUS_${s}`]));
      request.setOrchestrationidreusepolicy(policy);
      return hub.call('startInstance', request);
    };
    const all = ['COMPLETED', 'FAILED', 'CANCELED', 'TERMINATED', 'RUNNING', 'PENDING', 'SUSPENDED'];
    const completed = unique('reuse');
    await hub.run('one', 1, { instanceId: completed });
    const failed = unique('reuse');
    await hub.failure(await hub.client.scheduleNewOrchestration('uncaught', null, failed));
    const running = unique('reuse');
    await hub.client.scheduleNewOrchestration('event', null, running);
    await hub.reaches(running, Status.RUNNING);
    await rejects(start(completed, [], 2), 'ALREADY_EXISTS');
    await rejects(start(completed, ['FAILED', 'TERMINATED'], 2), 'ALREADY_EXISTS');
    await rejects(start(failed, ['COMPLETED'], 2), 'ALREADY_EXISTS');
    await rejects(start(running, ['COMPLETED', 'TERMINATED'], 2), 'ALREADY_EXISTS');
    const e = await rejects(start(running, ['RUNNING'], 2), 'INVALID_ARGUMENT');
    assert.match(e.details, /^Invalid reusable statuses: cannot exclude 'Terminated' while also allowing reuse of running instances/);
    await start(completed, ['COMPLETED'], 3);
    assert.equal(await hub.output(completed), 3);
    await start(failed, ['FAILED'], 4);
    assert.equal(await hub.output(failed), 4);
    const before = (await hub.state(running)).getExecutionid().getValue();
    await start(running, all, 5);
    assert.equal(await hub.output(running), 5);
    const after = (await hub.state(running)).getExecutionid().getValue();
    assert.notEqual(after, before);
    assert.equal((await hub.history(running))[1].orchestrationInstance.executionId, after);
  },

  'a scheduled start': async (hub) => {
    const at = new Date(Date.now() + 700);
    const id = await hub.client.scheduleNewOrchestration('one', 1, { instanceId: unique('later'), startAt: at });
    const pending = await hub.client.getOrchestrationState(id);
    assert.equal(Status[pending.runtimeStatus], 'PENDING');
    assert.equal((await hub.state(id)).getScheduledstarttimestamp().toDate().getTime(), at.getTime());
    await assert.rejects(hub.client.waitForOrchestrationStart(id, false, 0.2), { message: /Timed out/ });
    assert.equal(await hub.output(id), 1);
    const history = await hub.history(id);
    assert.ok(history[0].timestamp >= at, `${history[0].timestamp.toISOString()} is before ${at.toISOString()}`);
    const past = await hub.client.scheduleNewOrchestration('one', 2, { startAt: new Date(Date.now() - 1e9) });
    assert.equal(await hub.output(past), 2);
  },

  'waits with time-outs': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('event');
    const started = await hub.client.waitForOrchestrationStart(id, true, 20);
    assert.equal(Status[started.runtimeStatus], 'RUNNING');
    await assert.rejects(hub.client.waitForOrchestrationCompletion(id, true, 0.1), { message: /Timed out/ });
    const waits = Array.from({ length: 20 }, () => hub.client.waitForOrchestrationCompletion(id));
    await hub.client.raiseOrchestrationEvent(id, 'go', 'x');
    for (const state of await Promise.all(waits)) assert.equal(state.serializedOutput, '"x"');
    const again = await hub.client.waitForOrchestrationStart(id);
    assert.equal(Status[again.runtimeStatus], 'COMPLETED');
  },

  'a wait with a deadline of the call': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('event');
    const request = new pb.GetInstanceRequest();
    request.setInstanceid(id);
    const begin = Date.now();
    await rejects(hub.call('waitForInstanceCompletion', request, 300), 'DEADLINE_EXCEEDED');
    // The clocks of client and server round on their own: what counts is that it waited.
    assert.ok(Date.now() - begin >= 200);
    await hub.client.terminateOrchestration(id);
  },

  'a wait for an instance that is created later': async (hub) => {
    const id = unique('future');
    const wait = hub.client.waitForOrchestrationCompletion(id, true, 30);
    await sleep(100);
    await hub.client.scheduleNewOrchestration('one', 'at last', id);
    assert.equal((await wait).serializedOutput, '"at last"');
  },

  'an instance that nobody knows': async (hub) => {
    const id = unique('unknown');
    assert.equal(await hub.client.getOrchestrationState(id), undefined);
    assert.deepEqual(await hub.client.getOrchestrationHistory(id), []);
    assert.equal((await hub.client.purgeOrchestration(id)).deletedInstanceCount, 0);
    await rejects(hub.client.raiseOrchestrationEvent(id, 'go'), 'NOT_FOUND');
    await rejects(hub.client.terminateOrchestration(id), 'NOT_FOUND');
    await rejects(hub.client.suspendOrchestration(id), 'NOT_FOUND');
    await rejects(hub.client.resumeOrchestration(id), 'NOT_FOUND');
    await rejects(hub.client.rewindInstance(id, 'why'), 'NOT_FOUND');
    await rejects(hub.client.restartOrchestration(id), 'NOT_FOUND');
  },

  'ids': async (hub) => {
    const longest = unique('x').padEnd(100, 'y');
    assert.equal(await hub.client.scheduleNewOrchestration('one', 1, longest), longest);
    assert.equal(await hub.output(longest), 1);
    const e = await rejects(hub.client.scheduleNewOrchestration('one', 1, `${longest}z`), 'INVALID_ARGUMENT');
    assert.match(e.details, /length/);
    await rejects(hub.client.scheduleNewOrchestration('one', 1, '@one@x'), 'INVALID_ARGUMENT');
    const request = new pb.CreateInstanceRequest();
    request.setName('one');
    const made = (await hub.call('startInstance', request)).getInstanceid();
    assert.match(made, /^[0-9a-f-]{32,36}$/);
    const odd = unique('ä/b c?d#%:');
    assert.equal(await hub.run('one', 2, { instanceId: odd }), 2);
  },

  'an execution id of the client': async (hub) => {
    const request = new pb.CreateInstanceRequest();
    request.setInstanceid(unique('exec'));
    request.setName('one');
    request.setExecutionid(text('0123456789abcdef0123456789abcdef'));
    request.setRequesttime(time(new Date()));
    await hub.call('startInstance', request);
    await hub.output(request.getInstanceid());
    assert.equal((await hub.history(request.getInstanceid()))[1].orchestrationInstance.executionId, '0123456789abcdef0123456789abcdef');
  },

  'a history that is long': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('fan', 2000);
    assert.equal((await hub.output(id)).length, 2000);
    const history = await hub.client.getOrchestrationHistory(id);
    checkHistory(id, history);
    assert.equal(history.filter((e) => e.type === 'TaskCompleted').length, 2000);
  },

  'many at the same time': async (hub) => {
    const ids = await Promise.all(Array.from({ length: 200 }, (_, i) => hub.client.scheduleNewOrchestration('chain', i)));
    const got = await Promise.all(ids.map((id) => hub.output(id)));
    assert.deepEqual(got, Array.from({ length: 200 }, (_, i) => i + 3));
    for (const id of ids) checkHistory(id, await hub.client.getOrchestrationHistory(id));
  },
};
