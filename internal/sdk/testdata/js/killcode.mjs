// A worker of the test that kills the server: node killcode.mjs HUB. The other half
// of its code is in Go, in kill_test.go.
import sdk from '@microsoft/durabletask-js';
import { Hub } from './harness.mjs';

class Tally extends sdk.TaskEntity {
  initializeState() { return 0; }
  add(n) { this.state += n; return this.state; }
}

await new Hub(process.argv[2]).worker({
  activities: { jsEcho: (_, x) => x },
  entities: { tally: () => new Tally() },
  orchestrators: {
    JsFlow: async function* (ctx, n) {
      const [a, b] = yield sdk.whenAll([ctx.callActivity('jsEcho', n), ctx.callActivity('GoEcho', n)]);
      const event = yield ctx.waitForExternalEvent('go');
      const child = yield ctx.callSubOrchestrator('GoChild', n);
      yield ctx.createTimer(0.05);
      yield ctx.entities.callEntity(new sdk.EntityInstanceId('tally', 'all'), 'add', 1);
      return [a, b, event, child];
    },
    JsChild: async function* (ctx, n) { return yield ctx.callActivity('GoEcho', n); },
  },
}, { workItemFilters: 'auto' });
console.log('started');
