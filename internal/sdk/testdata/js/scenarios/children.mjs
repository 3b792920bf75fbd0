// Sub-orchestrations, rewind, restart, purge, queries and lists.
import assert from 'node:assert/strict';
import sdk from '@microsoft/durabletask-js';
import { Hub, Status, kinds, pb, rejects, sleep, unique, until } from '../harness.mjs';

const { PurgeInstanceCriteria, RetryPolicy, terminateOptions, whenAll } = sdk;
const broken = new Set(); // keys for which activities fail
const runs = new Map();
const count = (key) => { runs.set(key, (runs.get(key) ?? 0) + 1); return runs.get(key); };

export const code = {
  activities: {
    echo: (_, x) => x,
    count: (_, key) => count(key),
    work: (_, key) => {
      count(key);
      if (broken.has(key)) throw new Error(`${key} is broken`);
      return `${key} works`;
    },
  },
  orchestrators: {
    who: async (ctx, x) => ({ id: ctx.instanceId, parent: ctx.parent, x }),
    one: async function* (ctx, x) { return yield ctx.callActivity('echo', x); },
    event: async function* (ctx) { return yield ctx.waitForExternalEvent('go'); },
    calls: async function* (ctx, { id, x }) { return yield ctx.callSubOrchestrator('who', x, id ? { instanceId: id } : undefined); },
    many: async function* (ctx, n) {
      return yield whenAll(Array.from({ length: n }, (_, i) => ctx.callSubOrchestrator('one', i)));
    },
    deep: async function* (ctx, n) {
      if (n === 0) return [ctx.instanceId];
      return [ctx.instanceId, ...(yield ctx.callSubOrchestrator('deep', n - 1))];
    },
    fails: async function* (ctx, message) { yield ctx.callActivity('echo', 1); throw new RangeError(message); },
    catches: async function* (ctx) {
      try {
        yield ctx.callSubOrchestrator('fails', 'child is ill');
      } catch (e) {
        return { message: e.message, type: e.details.errorType };
      }
    },
    flakyChild: async function* (ctx, key) {
      const n = yield ctx.callActivity('count', key);
      if (n < 3) throw new Error(`attempt ${n}`);
      return n;
    },
    retries: async function* (ctx, { key, id }) {
      return yield ctx.callSubOrchestrator('flakyChild', key, {
        instanceId: id, retry: new RetryPolicy({ maxNumberOfAttempts: 5, firstRetryIntervalInMilliseconds: 20 }),
      });
    },
    waits: async function* (ctx, id) { return yield ctx.callSubOrchestrator('event', undefined, { instanceId: id }); },
    rewound: async function* (ctx, { before, key }) {
      const a = yield ctx.callActivity('work', before);
      const b = yield ctx.callActivity('work', key);
      return [a, b];
    },
    rewoundParent: async function* (ctx, key) {
      const a = yield ctx.callActivity('work', `${key}-parent`);
      const [b, c] = yield whenAll([ctx.callSubOrchestrator('rewoundChild', key), ctx.callSubOrchestrator('one', 'fine')]);
      return [a, b, c];
    },
    rewoundChild: async function* (ctx, key) { return yield ctx.callActivity('work', key); },
    throws: async function* (ctx) { yield ctx.callActivity('echo', 1); throw new Error('on purpose'); },
  },
};

const ids = (page) => page.values ?? page;

async function all(pageable) {
  const got = [];
  for await (const x of pageable) got.push(x);
  return got;
}

export const scenarios = {
  'a child knows its parent': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('calls', { x: 1 });
    const got = await hub.output(id);
    const history = await hub.history(id);
    const execution = history[1].orchestrationInstance.executionId;
    assert.equal(got.id, `${execution}:0001`);
    assert.deepEqual(got.parent, { name: 'calls', instanceId: id, taskScheduledId: 1 });
    assert.deepEqual(kinds(history), ['OrchestratorStarted', 'ExecutionStarted', 'SubOrchestrationInstanceCreated#1 who',
      'OrchestratorStarted', 'SubOrchestrationInstanceCompleted>1', 'ExecutionCompleted#2']);
    assert.equal(history[2].instanceId, got.id);
    const child = await hub.history(got.id);
    assert.deepEqual(child[1].parentInstance.orchestrationInstance, { instanceId: id, executionId: execution });
    assert.equal(child[1].parentInstance.name, 'calls');
    assert.equal(child[1].parentInstance.taskScheduledId, 1);
    assert.equal((await hub.state(got.id)).getParentinstanceid().getValue(), id);
  },

  'a child with an id of its own': async (hub) => {
    const id = unique('child');
    const got = await hub.run('calls', { id, x: null });
    assert.equal(got.id, id);
    assert.equal(got.x, null);
  },

  'children at the same time': async (hub) => {
    assert.deepEqual(await hub.run('many', 50), Array.from({ length: 50 }, (_, i) => i));
  },

  'children of children': async (hub) => {
    const got = await hub.run('deep', 8);
    assert.equal(new Set(got).size, 9);
    for (const id of got.slice(1)) assert.match(id, /^[0-9a-f]{32}:0001$/);
  },

  'a child that fails': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('catches');
    assert.deepEqual(await hub.output(id), { message: 'Sub-orchestration task #1 failed: child is ill', type: 'RangeError' });
    assert.deepEqual(await hub.kinds(id), ['OrchestratorStarted', 'ExecutionStarted', 'SubOrchestrationInstanceCreated#1 fails',
      'OrchestratorStarted', 'SubOrchestrationInstanceFailed>1', 'ExecutionCompleted#2']);
  },

  'a child that is tried again': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('retries', { key: unique('key') });
    assert.equal(await hub.output(id), 3);
    assert.deepEqual((await hub.kinds(id)).filter((k) => k !== 'OrchestratorStarted'), ['ExecutionStarted',
      'SubOrchestrationInstanceCreated#1 flakyChild', 'SubOrchestrationInstanceFailed>1', 'TimerCreated#2', 'TimerFired>2',
      'SubOrchestrationInstanceCreated#3 flakyChild', 'SubOrchestrationInstanceFailed>3', 'TimerCreated#4', 'TimerFired>4',
      'SubOrchestrationInstanceCreated#5 flakyChild', 'SubOrchestrationInstanceCompleted>5', 'ExecutionCompleted#6']);
  },

  'a child that is tried again under the same id': async (hub) => {
    const child = unique('again');
    assert.equal(await hub.run('retries', { key: unique('key'), id: child }), 3);
    const history = await hub.history(child);
    assert.equal(history.at(-1).result, '3');
  },

  'a child whose id is in use by one that lives': async (hub) => {
    const id = unique('live');
    await hub.client.scheduleNewOrchestration('event', null, id);
    await hub.reaches(id, Status.RUNNING);
    const parent = await hub.client.scheduleNewOrchestration('waits', id);
    await hub.failure(parent);
    assert.ok((await hub.kinds(parent)).includes('SubOrchestrationInstanceFailed>1'));
    await hub.client.raiseOrchestrationEvent(id, 'go', 1);
    assert.equal(await hub.output(id), 1);
  },

  'a child that is terminated': async (hub) => {
    const child = unique('ended');
    const parent = await hub.client.scheduleNewOrchestration('waits', child);
    await hub.reaches(child, Status.RUNNING);
    await hub.client.terminateOrchestration(child, 'why');
    const details = await hub.failure(parent);
    assert.match(details.message, /Sub-orchestration task #1 failed/);
  },

  'terminating a parent with its children': async (hub) => {
    const child = unique('child');
    const parent = await hub.client.scheduleNewOrchestration('waits', child);
    await hub.reaches(child, Status.RUNNING);
    await hub.client.terminateOrchestration(parent, terminateOptions({ output: { all: true }, recursive: true }));
    const state = await hub.client.waitForOrchestrationCompletion(parent);
    assert.equal(Status[state.runtimeStatus], 'TERMINATED');
    assert.equal(state.serializedOutput, '{"all":true}');
    assert.equal(Status[(await hub.client.waitForOrchestrationCompletion(child)).runtimeStatus], 'TERMINATED');
    const lone = unique('child');
    const other = await hub.client.scheduleNewOrchestration('waits', lone);
    await hub.reaches(lone, Status.RUNNING);
    await hub.client.terminateOrchestration(other);
    await hub.reaches(other, Status.TERMINATED);
    assert.equal(Status[(await hub.client.getOrchestrationState(lone)).runtimeStatus], 'RUNNING');
    await hub.client.raiseOrchestrationEvent(lone, 'go', 'free');
    assert.equal(await hub.output(lone), 'free');
  },

  'rewinding a failed activity, twice': async (hub) => {
    const before = unique('before'), key = unique('key');
    broken.add(key);
    const id = await hub.client.scheduleNewOrchestration('rewound', { before, key });
    await hub.failure(id);
    const first = (await hub.history(id))[1].orchestrationInstance.executionId;
    await hub.client.rewindInstance(id, 'still broken');
    await until(() => runs.get(key) === 2, 'the activity has run again');
    await hub.failure(id);
    const failed = await hub.history(id);
    assert.equal(failed.filter((e) => e.type === 'ExecutionRewound').length, 1);
    assert.equal(failed.filter((e) => e.type === 'TaskFailed').length, 1);
    broken.delete(key);
    await hub.client.rewindInstance(id, 'mended');
    assert.deepEqual(await hub.output(id), [`${before} works`, `${key} works`]);
    assert.equal(runs.get(before), 1);
    assert.equal(runs.get(key), 3);
    const history = await hub.history(id);
    const rewinds = history.filter((e) => e.type === 'ExecutionRewound');
    assert.deepEqual(rewinds.map((e) => e.reason), ['still broken', 'mended']);
    assert.equal(history.filter((e) => e.type === 'TaskFailed').length, 0);
    assert.equal(history.filter((e) => e.type === 'ExecutionCompleted').length, 1);
    assert.notEqual(history[1].orchestrationInstance.executionId, first);
    const state = await hub.client.getOrchestrationState(id);
    assert.equal(state.failureDetails, undefined);
  },

  'rewinding a failed child with its parent': async (hub) => {
    const key = unique('key');
    broken.add(key);
    const id = await hub.client.scheduleNewOrchestration('rewoundParent', key);
    await hub.failure(id);
    broken.delete(key);
    await hub.client.rewindInstance(id, 'mended');
    assert.deepEqual(await hub.output(id), [`${key}-parent works`, `${key} works`, 'fine']);
    assert.equal(runs.get(`${key}-parent`), 1);
    assert.equal(runs.get(key), 2);
    const history = await hub.history(id);
    const child = history.find((e) => e.type === 'SubOrchestrationInstanceCreated').instanceId;
    const inner = await hub.history(child);
    assert.equal(inner[1].parentInstance.orchestrationInstance.executionId, history[1].orchestrationInstance.executionId);
    assert.equal(inner.filter((e) => e.type === 'ExecutionRewound').length, 1);
  },

  'rewinding a parent whose failed child is purged': async (hub) => {
    const key = unique('key');
    broken.add(key);
    const id = await hub.client.scheduleNewOrchestration('rewoundParent', key);
    await hub.failure(id);
    const child = (await hub.history(id)).find((e) => e.type === 'SubOrchestrationInstanceCreated').instanceId;
    assert.equal((await hub.client.purgeOrchestration(child)).deletedInstanceCount, 1);
    broken.delete(key);
    await hub.client.rewindInstance(id, 'mended');
    assert.deepEqual(await hub.output(id), [`${key}-parent works`, `${key} works`, 'fine']);
  },

  'what cannot be rewound': async (hub) => {
    const done = await hub.client.scheduleNewOrchestration('one', 1);
    await hub.output(done);
    await rejects(hub.client.rewindInstance(done, 'x'), 'FAILED_PRECONDITION');
    const running = await hub.client.scheduleNewOrchestration('event');
    await hub.reaches(running, Status.RUNNING);
    await rejects(hub.client.rewindInstance(running, 'x'), 'FAILED_PRECONDITION');
    await rejects(hub.client.rewindInstance(unique('nobody'), 'x'), 'NOT_FOUND');
    await hub.client.terminateOrchestration(running);
  },

  'restarting': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('one', { x: 1 }, { instanceId: unique('again'), tags: { a: 'b' }, version: '4' });
    await hub.output(id);
    const before = (await hub.history(id))[1].orchestrationInstance.executionId;
    assert.equal(await hub.client.restartOrchestration(id), id);
    assert.deepEqual(await hub.output(id), { x: 1 });
    const history = await hub.history(id);
    assert.notEqual(history[1].orchestrationInstance.executionId, before);
    assert.equal(history[1].version, '4');
    assert.deepEqual({ ...history[1].tags }, { a: 'b' });
    const other = await hub.client.restartOrchestration(id, true);
    assert.notEqual(other, id);
    assert.deepEqual(await hub.output(other), { x: 1 });
    assert.equal((await hub.history(other))[1].version, '4');
    const failed = await hub.client.scheduleNewOrchestration('throws');
    await hub.failure(failed);
    assert.equal(await hub.client.restartOrchestration(failed), failed);
    await hub.failure(failed);
    const running = await hub.client.scheduleNewOrchestration('event');
    await hub.reaches(running, Status.RUNNING);
    await rejects(hub.client.restartOrchestration(running), 'FAILED_PRECONDITION');
    const copy = await hub.client.restartOrchestration(running, true);
    await hub.reaches(copy, Status.RUNNING);
    for (const i of [running, copy]) await hub.client.terminateOrchestration(i);
    await rejects(hub.client.restartOrchestration(unique('nobody')), 'NOT_FOUND');
  },

  'purging by id': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('one', 1);
    await hub.output(id);
    assert.equal((await hub.client.purgeOrchestration(id)).deletedInstanceCount, 1);
    assert.equal(await hub.client.getOrchestrationState(id), undefined);
    assert.deepEqual(await hub.client.getOrchestrationHistory(id), []);
    assert.equal((await hub.client.purgeOrchestration(id)).deletedInstanceCount, 0);
    const running = await hub.client.scheduleNewOrchestration('event');
    await hub.reaches(running, Status.RUNNING);
    await rejects(hub.client.purgeOrchestration(running), 'FAILED_PRECONDITION');
    await hub.client.terminateOrchestration(running);
    await hub.client.waitForOrchestrationCompletion(running);
    assert.equal((await hub.client.purgeOrchestration(running)).deletedInstanceCount, 1);
  },

  'purging with children': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('deep', 3);
    const tree = await hub.output(id);
    assert.equal((await hub.client.purgeOrchestration(id, { recursive: true })).deletedInstanceCount, 4);
    for (const one of tree) assert.equal(await hub.client.getOrchestrationState(one), undefined);
    const other = await hub.client.scheduleNewOrchestration('deep', 1);
    const [, child] = await hub.output(other);
    assert.equal((await hub.client.purgeOrchestration(other)).deletedInstanceCount, 1);
    assert.ok(await hub.client.getOrchestrationState(child));
  },

  'purging by a filter, and batches': async () => {
    const hub = await Hub.create(unique('purge'));
    await hub.worker(code);
    const begin = new Date();
    await sleep(5);
    const done = [], failed = [];
    for (let i = 0; i < 5; i++) done.push(await hub.client.scheduleNewOrchestration('one', i));
    for (let i = 0; i < 3; i++) failed.push(await hub.client.scheduleNewOrchestration('throws', i));
    const running = await hub.client.scheduleNewOrchestration('event');
    await Promise.all([...done, ...failed].map((id) => hub.client.waitForOrchestrationCompletion(id)));
    await hub.reaches(running, Status.RUNNING);
    const criteria = new PurgeInstanceCriteria();
    criteria.setCreatedTimeTo(begin);
    assert.equal((await hub.client.purgeOrchestration(criteria)).deletedInstanceCount, 0);
    criteria.setCreatedTimeFrom(begin);
    criteria.setCreatedTimeTo(new Date(Date.now() + 1000));
    criteria.setRuntimeStatusList([Status.FAILED]);
    assert.equal((await hub.client.purgeOrchestration(criteria)).deletedInstanceCount, 3);
    criteria.setRuntimeStatusList([]);
    const batch = new pb.PurgeInstancesRequest();
    const instances = new pb.InstanceBatch();
    instances.setInstanceidsList([done[0], done[1], unique('nobody')]);
    batch.setInstancebatch(instances);
    const answer = await hub.call('purgeInstances', batch);
    assert.equal(answer.getDeletedinstancecount(), 2);
    assert.equal(answer.getIscomplete().getValue(), true);
    assert.equal((await hub.client.purgeOrchestration(criteria)).deletedInstanceCount, 3);
    instances.setInstanceidsList(Array.from({ length: 501 }, (_, i) => `x${i}`));
    batch.setInstancebatch(instances);
    await rejects(hub.call('purgeInstances', batch), 'INVALID_ARGUMENT');
    assert.deepEqual((await all(hub.client.getAllInstances())).map((s) => s.instanceId), [running]);
    await hub.stop();
  },

  'queries and pages': async () => {
    const hub = await Hub.create(unique('query'));
    await hub.worker(code);
    const made = [];
    for (let i = 0; i < 25; i++) made.push(await hub.client.scheduleNewOrchestration('one', { i }, { instanceId: `a-${String(i).padStart(2, '0')}` }));
    await Promise.all(made.map((id) => hub.output(id)));
    await sleep(5);
    const middle = new Date();
    await sleep(5);
    for (let i = 0; i < 5; i++) made.push(await hub.client.scheduleNewOrchestration('throws', null, { instanceId: `b-${i}` }));
    await Promise.all(made.slice(25).map((id) => hub.failure(id)));
    const running = await hub.client.scheduleNewOrchestration('event', null, 'c-1');
    await hub.reaches(running, Status.RUNNING);
    const query = async (filter) => (await all(hub.client.getAllInstances(filter))).map((s) => s.instanceId).sort();
    assert.deepEqual(await query(), [...made, running].sort());
    assert.deepEqual(await query({ statuses: [Status.FAILED] }), made.slice(25));
    assert.deepEqual(await query({ statuses: [Status.FAILED, Status.RUNNING] }), [...made.slice(25), running]);
    assert.deepEqual(await query({ instanceIdPrefix: 'a-1' }), made.slice(10, 20));
    assert.deepEqual(await query({ createdTo: middle }), made.slice(0, 25));
    assert.deepEqual(await query({ createdFrom: middle }), [...made.slice(25), running]);
    assert.deepEqual(await query({ createdFrom: middle, statuses: [Status.COMPLETED] }), []);
    const pages = [];
    for await (const page of hub.client.getAllInstances({ instanceIdPrefix: 'a-', pageSize: 10 }).asPages()) pages.push(page.values.map((s) => s.instanceId));
    assert.ok(pages.length >= 3 && pages.every((p) => p.length <= 10), `pages of ${pages.map((p) => p.length)}`);
    assert.deepEqual(pages.flat().sort(), made.slice(0, 25));
    const [bare] = await all(hub.client.getAllInstances({ instanceIdPrefix: 'a-00' }));
    assert.equal(bare.serializedInput, undefined);
    assert.equal(bare.name, 'one');
    const [full] = await all(hub.client.getAllInstances({ instanceIdPrefix: 'a-00', fetchInputsAndOutputs: true }));
    assert.deepEqual([full.serializedInput, full.serializedOutput], ['{"i":0}', '{"i":0}']);
    const [failed] = await all(hub.client.getAllInstances({ instanceIdPrefix: 'b-0', fetchInputsAndOutputs: true }));
    assert.equal(failed.failureDetails.message, 'on purpose');
    await hub.stop();
  },

  'lists of ids': async () => {
    const hub = await Hub.create(unique('list'));
    await hub.worker(code);
    const made = [];
    for (let i = 0; i < 12; i++) {
      made.push(await hub.client.scheduleNewOrchestration(i % 3 === 2 ? 'throws' : 'one', i));
      await hub.client.waitForOrchestrationCompletion(made[i]);
      await sleep(2);
    }
    const running = await hub.client.scheduleNewOrchestration('event');
    await hub.reaches(running, Status.RUNNING);
    assert.deepEqual(ids(await hub.client.listInstanceIds()), made);
    const paged = [];
    let page;
    do {
      page = await hub.client.listInstanceIds({ pageSize: 5, lastInstanceKey: page?.continuationToken });
      assert.ok(page.values.length <= 5);
      paged.push(...page.values);
    } while (page.hasMoreResults);
    assert.deepEqual(paged, made);
    assert.deepEqual(ids(await hub.client.listInstanceIds({ runtimeStatus: [Status.FAILED] })), made.filter((_, i) => i % 3 === 2));
    const completed = (await hub.state(made[6])).getCompletedtimestamp().toDate();
    const later = ids(await hub.client.listInstanceIds({ completedTimeFrom: new Date(completed.getTime() + 1) }));
    assert.deepEqual(later, made.slice(7));
    const earlier = ids(await hub.client.listInstanceIds({ completedTimeTo: completed }));
    assert.deepEqual(earlier, made.slice(0, 6));
    await hub.stop();
  },

  'ending at once without grace': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('event');
    await hub.reaches(id, Status.RUNNING);
    const done = await hub.client.scheduleNewOrchestration('one', 1);
    await hub.output(done);
    const request = new pb.SkipGracefulOrchestrationTerminationsRequest();
    const batch = new pb.InstanceBatch();
    batch.setInstanceidsList([id, done, 'nobody-knows']);
    request.setInstancebatch(batch);
    const answer = await hub.call('skipGracefulOrchestrationTerminations', request);
    assert.deepEqual(answer.getUnterminatedinstanceidsList().sort(), [done, 'nobody-knows'].sort());
    assert.equal(Status[(await hub.client.getOrchestrationState(id)).runtimeStatus], 'TERMINATED');
  },

  'task hubs': async () => {
    const name = unique('hub');
    const missing = new Hub(name);
    await rejects(missing.client.getOrchestrationState('x'), 'NOT_FOUND');
    const hub = await Hub.create(name);
    await hub.worker(code);
    await hub.run('one', 1, { instanceId: 'same' });
    const other = await Hub.create(unique('hub'));
    assert.equal(await other.client.getOrchestrationState('same'), undefined);
    await hub.stop();
    await Hub.create(name);
    assert.equal(await hub.client.getOrchestrationState('same'), undefined);
    const gone = new pb.DeleteTaskHubRequest();
    await hub.call('deleteTaskHub', gone);
    await rejects(hub.client.getOrchestrationState('same'), 'NOT_FOUND');
  },
};
