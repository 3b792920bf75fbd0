// External events, and continue-as-new, which must not lose any.
import assert from 'node:assert/strict';
import sdk from '@microsoft/durabletask-js';
import { Hub, Status, kinds, rejects, sleep, unique, until } from '../harness.mjs';

const { EntityInstanceId, whenAll, whenAny } = sdk;

class List {
  async run(op) {
    const state = op.state.getState([]);
    if (op.name === 'get') return state;
    op.state.setState([...state, op.getInput()]);
    return undefined;
  }
}

export const code = {
  activities: {
    echo: (_, x) => x,
    slow: async (_, ms) => { await sleep(ms); return 'slow'; },
  },
  entities: { list: () => new List() },
  orchestrators: {
    one: async function* (ctx, name) { return (yield ctx.waitForExternalEvent(name ?? 'Go')) ?? 'nothing'; },
    collect: async function* (ctx, n) {
      const got = [];
      while (got.length < n) got.push(yield ctx.waitForExternalEvent('Item'));
      return got;
    },
    late: async function* (ctx) {
      yield ctx.waitForExternalEvent('first');
      const got = [];
      for (let i = 0; i < 5; i++) got.push(yield ctx.waitForExternalEvent('Item'));
      return got;
    },
    two: async function* (ctx) {
      return yield whenAll([ctx.waitForExternalEvent('b'), ctx.waitForExternalEvent('a'), ctx.waitForExternalEvent('b')]);
    },
    either: async function* (ctx) {
      const yes = ctx.waitForExternalEvent('yes'), no = ctx.waitForExternalEvent('no');
      return (yield whenAny([yes, no])) === yes;
    },
    timeout: async function* (ctx) {
      const event = ctx.waitForExternalEvent('never');
      return (yield whenAny([event, ctx.createTimer(0.1)])) === event;
    },
    sender: async function* (ctx, { to, what }) {
      for (const [i, x] of what.entries()) ctx.sendEvent(to, i % 2 ? 'ITEM' : 'item', x);
      return yield ctx.callActivity('echo', 'sent');
    },
    self: async function* (ctx) {
      ctx.sendEvent(ctx.instanceId, 'me', 'hello');
      return yield ctx.waitForExternalEvent('me');
    },
    generations: async function* (ctx, state) {
      state.executions.push((yield ctx.callActivity('echo', ctx.newGuid())) && state.n);
      if (state.n < 20) { ctx.continueAsNew({ ...state, n: state.n + 1 }, false); return; }
      return state.executions;
    },
    // Takes an event a generation and goes on until it has seen them all.
    burst: async function* (ctx, { seen, n }) {
      seen.push(yield ctx.waitForExternalEvent('Item'));
      ctx.setCustomStatus(seen.length);
      if (seen.length < n) { ctx.continueAsNew({ seen, n }, true); return; }
      return seen;
    },
    // The same with an activity in the middle, so that events come at any time.
    busyBurst: async function* (ctx, { seen, n }) {
      const item = yield ctx.waitForExternalEvent('Item');
      yield ctx.callActivity('echo', item);
      seen = [...seen, item];
      if (seen.length < n) { ctx.continueAsNew({ seen, n }, true); return; }
      return seen;
    },
    drops: async function* (ctx, generation) {
      yield ctx.waitForExternalEvent('next');
      if (generation < 1) { ctx.continueAsNew(generation + 1, false); return; }
      return generation;
    },
    fenced: async function* (ctx, generation) {
      if (generation === 0) {
        const activity = ctx.callActivity('slow', 1500), timer = ctx.createTimer(1.5);
        if ((yield whenAny([ctx.waitForExternalEvent('go'), activity, timer])) === activity) return 'too fast';
        ctx.continueAsNew(1, false);
        return;
      }
      // Ids 1 and 2 again: what the first generation has left must not answer these.
      const begin = ctx.currentUtcDateTime;
      const activity = ctx.callActivity('echo', 'new'), timer = ctx.createTimer(2);
      const got = yield activity;
      yield timer;
      return [got, ctx.currentUtcDateTime - begin >= 2000];
    },
    actions: async function* (ctx, { generation, to, list }) {
      if (generation === 0) {
        ctx.sendEvent(to, 'Go', 'from the first generation');
        ctx.entities.signalEntity(new EntityInstanceId('list', list), 'add', 'signalled');
        ctx.continueAsNew({ generation: 1, to, list }, false);
        return;
      }
      return 'ended';
    },
    children: async function* (ctx, { generation, ids }) {
      const child = yield ctx.callSubOrchestrator('childId');
      ids.push(child);
      if (generation < 3) { ctx.continueAsNew({ generation: generation + 1, ids }, false); return; }
      return ids;
    },
    childId: async (ctx) => ctx.instanceId,
    parent: async function* (ctx, n) { return yield ctx.callSubOrchestrator('generations', { n, executions: [] }); },
  },
};

export const scenarios = {
  'an event after the wait': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('one');
    await hub.reaches(id, Status.RUNNING);
    await hub.client.raiseOrchestrationEvent(id, 'Go', { x: [1] });
    assert.deepEqual(await hub.output(id), { x: [1] });
    const history = await hub.history(id);
    assert.deepEqual(kinds(history), ['OrchestratorStarted', 'ExecutionStarted', 'OrchestratorStarted', 'EventRaised Go', 'ExecutionCompleted#1']);
    assert.equal(history[3].input, '{"x":[1]}');
  },

  'events before the wait are kept in order': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('late');
    for (let i = 0; i < 5; i++) await hub.client.raiseOrchestrationEvent(id, 'Item', i);
    await hub.client.raiseOrchestrationEvent(id, 'first');
    assert.deepEqual(await hub.output(id), [0, 1, 2, 3, 4]);
  },

  'events before the first turn': async () => {
    const hub = await Hub.create(unique('early')); // without a worker
    const id = await hub.client.scheduleNewOrchestration('collect', 3);
    for (const x of ['a', 'b', 'c']) await hub.client.raiseOrchestrationEvent(id, 'Item', x);
    assert.equal(Status[(await hub.client.getOrchestrationState(id)).runtimeStatus], 'PENDING');
    await hub.worker(code);
    assert.deepEqual(await hub.output(id), ['a', 'b', 'c']);
    assert.deepEqual((await hub.kinds(id)).slice(0, 5), ['OrchestratorStarted', 'ExecutionStarted', 'EventRaised Item', 'EventRaised Item', 'EventRaised Item']);
    await hub.stop();
  },

  'names of events in any case': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('collect', 3);
    for (const name of ['ITEM', 'item', 'iTeM']) await hub.client.raiseOrchestrationEvent(id, name, name);
    assert.deepEqual(await hub.output(id), ['ITEM', 'item', 'iTeM']);
    assert.deepEqual((await hub.kinds(id)).filter((k) => k.startsWith('EventRaised')), ['EventRaised ITEM', 'EventRaised item', 'EventRaised iTeM']);
  },

  'a burst of events in order': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('collect', 200);
    for (let i = 0; i < 200; i++) await hub.client.raiseOrchestrationEvent(id, 'Item', i);
    assert.deepEqual(await hub.output(id), Array.from({ length: 200 }, (_, i) => i));
    assert.equal((await hub.kinds(id)).filter((k) => k === 'EventRaised Item').length, 200);
  },

  'a burst of events at the same time': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('collect', 300);
    await Promise.all(Array.from({ length: 300 }, (_, i) => hub.client.raiseOrchestrationEvent(id, 'Item', i)));
    assert.deepEqual((await hub.output(id)).sort((a, b) => a - b), Array.from({ length: 300 }, (_, i) => i));
  },

  'events without data': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('one');
    await hub.client.raiseOrchestrationEvent(id, 'go');
    assert.equal(await hub.output(id), 'nothing'); // the SDK sends null
    assert.equal((await hub.history(id)).find((e) => e.type === 'EventRaised').input, 'null');
  },

  'several waits at the same time': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('two');
    for (const [name, x] of [['b', 1], ['b', 2], ['a', 3]]) await hub.client.raiseOrchestrationEvent(id, name, x);
    assert.deepEqual(await hub.output(id), [1, 3, 2]);
    const either = await hub.client.scheduleNewOrchestration('either');
    await hub.client.raiseOrchestrationEvent(either, 'no', 'x');
    assert.equal(await hub.output(either), false);
    assert.equal(await hub.run('timeout'), false);
  },

  'events to instances that are finished or unknown': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('timeout');
    await hub.output(id);
    const before = await hub.kinds(id);
    await hub.client.raiseOrchestrationEvent(id, 'never', 'dropped');
    assert.deepEqual(await hub.kinds(id), before);
    await rejects(hub.client.raiseOrchestrationEvent(unique('nobody'), 'x'), 'NOT_FOUND');
  },

  'events between orchestrations': async (hub) => {
    const to = await hub.client.scheduleNewOrchestration('collect', 4);
    const id = await hub.client.scheduleNewOrchestration('sender', { to, what: ['a', null, 3, { d: 4 }] });
    assert.equal(await hub.output(id), 'sent');
    assert.deepEqual(await hub.output(to), ['a', null, 3, { d: 4 }]);
    const history = await hub.history(id);
    assert.deepEqual(kinds(history), ['OrchestratorStarted', 'ExecutionStarted', 'EventSent#1 item', 'EventSent#2 ITEM', 'EventSent#3 item', 'EventSent#4 ITEM',
      'TaskScheduled#5 echo', 'OrchestratorStarted', 'TaskCompleted>5', 'ExecutionCompleted#6']);
    assert.equal(history[2].instanceId, to);
    assert.equal(history[2].input, '"a"');
    const nobody = await hub.client.scheduleNewOrchestration('sender', { to: unique('nobody'), what: [1] });
    assert.equal(await hub.output(nobody), 'sent');
  },

  'an event to oneself': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('self');
    assert.equal(await hub.output(id), 'hello');
    assert.deepEqual(await hub.kinds(id), ['OrchestratorStarted', 'ExecutionStarted', 'EventSent#1 me', 'OrchestratorStarted', 'EventRaised me', 'ExecutionCompleted#2']);
  },

  'generations': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('generations', { n: 1, executions: [] }, { tags: { kept: 'yes' }, version: '7' });
    assert.deepEqual(await hub.output(id), Array.from({ length: 20 }, (_, i) => i + 1));
    const history = await hub.history(id);
    assert.deepEqual(kinds(history), ['OrchestratorStarted', 'ExecutionStarted', 'TaskScheduled#1 echo', 'OrchestratorStarted', 'TaskCompleted>1', 'ExecutionCompleted#2']);
    assert.equal(JSON.parse(history[1].input).n, 20);
    assert.equal(history[1].version, '7');
    assert.deepEqual({ ...history[1].tags }, { kept: 'yes' });
    assert.deepEqual({ ...(await hub.client.getOrchestrationState(id)).tags }, { kept: 'yes' });
  },

  'a burst of events during continue-as-new loses none': async (hub) => {
    const n = 100;
    const id = await hub.client.scheduleNewOrchestration('burst', { seen: [], n });
    await Promise.all(Array.from({ length: n }, (_, i) => hub.client.raiseOrchestrationEvent(id, 'Item', i)));
    assert.deepEqual((await hub.output(id)).sort((a, b) => a - b), Array.from({ length: n }, (_, i) => i));
    await hub.history(id);
  },

  'events in a row during continue-as-new keep their order': async (hub) => {
    const n = 60;
    const id = await hub.client.scheduleNewOrchestration('busyBurst', { seen: [], n });
    for (let i = 0; i < n; i++) await hub.client.raiseOrchestrationEvent(id, 'Item', i);
    assert.deepEqual(await hub.output(id), Array.from({ length: n }, (_, i) => i));
  },

  'many bursts at the same time': async (hub) => {
    const n = 25;
    const ids = await Promise.all(Array.from({ length: 12 }, () => hub.client.scheduleNewOrchestration('busyBurst', { seen: [], n })));
    await Promise.all(ids.flatMap((id) => Array.from({ length: n }, (_, i) => hub.client.raiseOrchestrationEvent(id, 'item', i))));
    for (const id of ids) assert.deepEqual((await hub.output(id)).sort((a, b) => a - b), Array.from({ length: n }, (_, i) => i));
  },

  'a generation that does not keep events': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('drops', 0);
    await hub.client.raiseOrchestrationEvent(id, 'next');
    await until(async () => (await hub.client.getOrchestrationState(id)).serializedInput === '1', 'the second generation runs');
    await hub.client.raiseOrchestrationEvent(id, 'next');
    assert.equal(await hub.output(id), 1);
  },

  'what an older generation has started does not reach the next': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('fenced', 0);
    await hub.reaches(id, Status.RUNNING);
    await hub.client.raiseOrchestrationEvent(id, 'go');
    assert.deepEqual(await hub.output(id), ['new', true]);
    const history = await hub.history(id);
    assert.equal(history.filter((e) => e.type === 'TaskCompleted').length, 1);
    assert.equal(history.filter((e) => e.type === 'TimerFired').length, 1);
  },

  'other actions beside continue-as-new are carried out': async (hub) => {
    const to = await hub.client.scheduleNewOrchestration('one', 'Go');
    const list = unique('list');
    const id = await hub.client.scheduleNewOrchestration('actions', { generation: 0, to, list });
    assert.equal(await hub.output(id), 'ended');
    assert.equal(await hub.output(to), 'from the first generation');
    await until(async () => (await hub.client.getEntity(new EntityInstanceId('list', list)))?.state?.[0] === 'signalled', 'the signal has arrived');
  },

  'children of each generation have ids of their own': async (hub) => {
    const ids = await hub.run('children', { generation: 0, ids: [] });
    assert.equal(new Set(ids).size, 4);
    for (const id of ids) assert.match(id, /^[0-9a-f]{32}:0001$/);
  },

  'a child that continues as new': async (hub) => {
    assert.equal((await hub.run('parent', 15)).length, 6);
  },
};
