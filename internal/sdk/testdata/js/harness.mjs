// What the scenarios share: a hub with a client and workers of Microsoft's SDK, and
// what is checked of every history.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import grpc from '@grpc/grpc-js';
import sdk from '@microsoft/durabletask-js';

const require = createRequire(import.meta.url);
export const pb = require('@microsoft/durabletask-js/dist/proto/orchestrator_service_pb.js');
const { TaskHubSidecarServiceClient } = require('@microsoft/durabletask-js/dist/proto/orchestrator_service_grpc_pb.js');
const { StringValue } = require('google-protobuf/google/protobuf/wrappers_pb.js');
const { Timestamp } = require('google-protobuf/google/protobuf/timestamp_pb.js');

export const address = process.env.PERDURE_ADDRESS;
export const Status = sdk.OrchestrationStatus;
// quiet writes down what goes wrong, for the log of the test.
const quiet = Object.assign(new sdk.NoOpLogger(), { error: (text) => console.error(new Date().toISOString(), text) });

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// text returns a StringValue.
export function text(s) {
  const v = new StringValue();
  v.setValue(s);
  return v;
}

// time returns a Timestamp.
export function time(date) {
  const t = new Timestamp();
  t.fromDate(date);
  return t;
}

// until polls until check returns something truthy, and returns that.
export async function until(check, what, timeout = 30_000) {
  for (const end = Date.now() + timeout; ; ) {
    const got = await check();
    if (got) return got;
    if (Date.now() > end) throw new Error(`waited ${timeout} ms in vain until ${what}`);
    await sleep(10);
  }
}

// Hub is a task hub of the server, with a client of its own.
export class Hub {
  constructor(name) {
    this.name = name;
    this.metadata = async () => {
      const m = new grpc.Metadata();
      m.set('taskhub', name);
      return m;
    };
    this.client = new sdk.TaskHubGrpcClient({ hostAddress: address, metadataGenerator: this.metadata, logger: quiet });
    this.stub = new TaskHubSidecarServiceClient(address, grpc.credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1,
    });
    this.workers = [];
  }

  // create creates a hub.
  static async create(name) {
    const hub = new Hub(name);
    const request = new pb.CreateTaskHubRequest();
    request.setRecreateifexists(true);
    await hub.call('createTaskHub', request);
    return hub;
  }

  // call makes a call of the protocol that the SDK's client has no method for.
  async call(method, request, deadline = 60_000) {
    const metadata = await this.metadata();
    return new Promise((resolve, reject) => {
      this.stub[method](request, metadata, { deadline: Date.now() + deadline }, (err, answer) => (err ? reject(err) : resolve(answer)));
    });
  }

  // worker starts a worker. code has orchestrators, activities, entities by name.
  async worker(code, options = {}) {
    const w = new sdk.TaskHubGrpcWorker({ hostAddress: address, metadataGenerator: this.metadata, logger: quiet, shutdownTimeoutMs: 2000, ...options });
    for (const [name, fn] of Object.entries(code.orchestrators ?? {})) w.addNamedOrchestrator(name, fn);
    for (const [name, fn] of Object.entries(code.activities ?? {})) w.addNamedActivity(name, fn);
    for (const [name, make] of Object.entries(code.entities ?? {})) w.addNamedEntity(name, make);
    await w.start();
    this.workers.push(w);
    return w;
  }

  // stop stops a worker, or all.
  async stop(...workers) {
    if (workers.length === 0) workers = this.workers;
    this.workers = this.workers.filter((w) => !workers.includes(w));
    await Promise.all(workers.map((w) => w.stop()));
  }

  // run starts an orchestration, waits for its end and wants it to be completed. It
  // returns the output.
  async run(name, input, options = {}) {
    const id = await this.client.scheduleNewOrchestration(name, input, options);
    return this.output(id);
  }

  // output waits for the end of an orchestration, wants it to be completed and
  // returns its output.
  async output(id) {
    const state = await this.client.waitForOrchestrationCompletion(id, true, 60);
    assert.equal(Status[state.runtimeStatus], 'COMPLETED', `${id}: ${state.failureDetails?.message}`);
    return state.serializedOutput === undefined ? undefined : JSON.parse(state.serializedOutput);
  }

  // failure waits for the end of an orchestration, wants it to have failed and
  // returns the details.
  async failure(id) {
    const state = await this.client.waitForOrchestrationCompletion(id, true, 60);
    assert.equal(Status[state.runtimeStatus], 'FAILED', `${id} has the output ${state.serializedOutput}`);
    return state.failureDetails;
  }

  // history returns the history of an instance once it has been checked.
  async history(id) {
    const events = await this.client.getOrchestrationHistory(id);
    checkHistory(id, events);
    return events;
  }

  // kinds returns the history of an instance in short: see kinds below.
  async kinds(id) {
    return kinds(await this.history(id));
  }

  // rawHistory returns the protocol's events of an instance.
  async rawHistory(id) {
    const request = new pb.StreamInstanceHistoryRequest();
    request.setInstanceid(id);
    const stream = this.stub.streamInstanceHistory(request, await this.metadata());
    const events = [];
    for await (const chunk of stream) events.push(...chunk.getEventsList());
    return events;
  }

  // state returns the protocol's message about an instance.
  async state(id, payloads = true) {
    const request = new pb.GetInstanceRequest();
    request.setInstanceid(id);
    request.setGetinputsandoutputs(payloads);
    const answer = await this.call('getInstance', request);
    return answer.getExists() ? answer.getOrchestrationstate() : undefined;
  }

  // reaches waits until an instance has a status.
  async reaches(id, status) {
    return until(async () => {
      const state = await this.client.getOrchestrationState(id);
      return state?.runtimeStatus === status && state;
    }, `${id} is ${Status[status]}`);
  }
}

// unique returns an id that begins with the text.
export const unique = (prefix) => `${prefix}-${randomUUID().slice(0, 8)}`;

// rejects wants a promise to fail with the gRPC code (a name), and returns the error.
export async function rejects(promise, code) {
  try {
    await promise;
  } catch (e) {
    assert.equal(grpc.status[(e.cause ?? e).code], code, String(e));
    return e;
  }
  assert.fail(`it was not refused with ${code}`);
}

// kinds writes a history in short: the kind of each event, '#3' for its id if that
// is positive, '>3' for the id that it answers, ' name' if it has one.
export function kinds(history) {
  return history.map((e) => {
    let s = e.type;
    if (e.eventId > 0) s += `#${e.eventId}`;
    const answers = e.taskScheduledId ?? (e.type === 'TimerFired' ? e.timerId : undefined);
    if (answers !== undefined) s += `>${answers}`;
    if (['TaskScheduled', 'SubOrchestrationInstanceCreated', 'EventRaised', 'EventSent'].includes(e.type)) s += ` ${e.name}`;
    return s;
  });
}

const scheduling = new Set(['TaskScheduled', 'TimerCreated', 'SubOrchestrationInstanceCreated', 'EventSent', 'ExecutionCompleted',
  'EntityOperationSignaled', 'EntityOperationCalled', 'EntityLockRequested', 'EntityUnlockSent']);

// checkHistory checks what holds of every history of an instance that this SDK has run.
export function checkHistory(id, history) {
  if (history.length === 0) return;
  assert.equal(history[0].type, 'OrchestratorStarted', id);
  assert.equal(history[1].type, 'ExecutionStarted', id);
  assert.equal(history.filter((e) => e.type === 'ExecutionStarted').length, 1, id);
  assert.equal(history[1].orchestrationInstance.instanceId, id);
  assert.match(history[1].orchestrationInstance.executionId, /^[0-9a-f]{32}$/);
  let started = 0;
  const seen = new Set(), answered = new Set();
  for (const [i, e] of history.entries()) {
    const where = `${id}[${i}] ${e.type}`;
    assert.ok(e.timestamp instanceof Date && !Number.isNaN(e.timestamp.getTime()), `${where} has no time`);
    assert.notEqual(e.type, 'OrchestratorCompleted', where);
    if (e.type === 'OrchestratorStarted') {
      assert.ok(e.timestamp.getTime() >= started, `${where}: time goes back`);
      started = e.timestamp.getTime();
    }
    if (scheduling.has(e.type)) {
      if (e.eventId > 0) {
        assert.ok(!seen.has(e.eventId), `${where}: id ${e.eventId} twice`);
        seen.add(e.eventId);
      }
    } else {
      assert.equal(e.eventId, e.type === 'ExecutionStarted' ? 0 : -1, where);
    }
    const answers = e.taskScheduledId ?? (e.type === 'TimerFired' ? e.timerId : undefined) ?? (e.type.startsWith('EntityOperationCompleted') || e.type === 'EntityOperationFailed' ? e.requestId : undefined);
    if (answers !== undefined) {
      assert.ok(!answered.has(answers), `${where}: ${answers} is answered twice`);
      answered.add(answers);
      if (typeof answers === 'number') assert.ok(seen.has(answers), `${where}: nothing has the id ${answers}`);
    }
  }
}
