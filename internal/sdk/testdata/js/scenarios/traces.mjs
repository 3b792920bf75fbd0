// OpenTelemetry: the trace goes from the client through turns, activities and children.
import assert from 'node:assert/strict';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';

const exporter = new InMemorySpanExporter();
new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();

export const alone = true;

export const code = {
  activities: { echo: (_, x) => x },
  orchestrators: {
    traced: async function* (ctx) {
      yield ctx.callActivity('echo', 1);
      yield ctx.callActivity('echo', 2);
      return yield ctx.callSubOrchestrator('child', 3);
    },
    child: async function* (ctx, x) { return yield ctx.callActivity('echo', x); },
  },
};

export const scenarios = {
  'one trace, and one span of each orchestration': async (hub) => {
    const id = await hub.client.scheduleNewOrchestration('traced');
    assert.equal(await hub.output(id), 3);
    const history = await hub.history(id);
    const spans = exporter.getFinishedSpans();
    assert.equal(new Set(spans.map((s) => s.spanContext().traceId)).size, 1, 'there are several traces');
    const trace = spans[0].spanContext().traceId;
    assert.equal(history[1].parentTraceContext.traceParent.split('-')[1], trace);
    for (const e of history.filter((e) => e.type === 'TaskScheduled')) assert.equal(e.parentTraceContext.traceParent.split('-')[1], trace);
    const child = history.find((e) => e.type === 'SubOrchestrationInstanceCreated');
    assert.equal((await hub.history(child.instanceId))[1].parentTraceContext.traceParent, child.parentTraceContext.traceParent);
    // The turns after the first carry the span's id and start that the first has returned.
    const turns = spans.filter((s) => s.name === 'orchestration:traced' && s.attributes['durabletask.task.instance_id'] === id);
    const replays = turns.map((s) => Object.entries(s.attributes).filter(([k]) => k.includes('replay')).map(([, v]) => v));
    const later = replays.filter((r) => r.length > 0);
    assert.ok(later.length >= 3, `the later turns have ${JSON.stringify(replays)}`);
    assert.equal(new Set(later.map((r) => JSON.stringify(r))).size, 1, `the turns are of several spans: ${JSON.stringify(replays)}`);
    const first = turns.find((s) => !Object.keys(s.attributes).some((k) => k.includes('replay')));
    assert.equal(later[0][0], first.spanContext().spanId);
  },
};
