// A worker with Microsoft's SDK: node worker.mjs [HOST:PORT].
import sdk from '@microsoft/durabletask-js';

const prices = { apple: 0.4, bicycle: 349 };

// price is an activity. The orchestration Quote, in Go, calls it too.
function price(_, item) {
  if (!(item in prices)) throw new Error(`nobody sells ${item}`);
  return prices[item];
}

// purchase is an orchestration. It asks Quote, in Go, and waits for the customer's
// approval for as long as that takes; Reserve is an activity in Go.
async function* purchase(ctx, order) {
  const quote = yield ctx.callSubOrchestrator('Quote', order);
  ctx.setCustomStatus(quote);
  const approved = yield ctx.waitForExternalEvent('approval');
  if (!approved) return 'nothing was bought';
  const shelf = yield ctx.callActivity('Reserve', order);
  return `${quote}, from ${shelf}`;
}

const worker = new sdk.TaskHubGrpcWorker({ hostAddress: process.argv[2] ?? 'localhost:8080', logger: new sdk.NoOpLogger(), workItemFilters: 'auto' });
worker.addActivity(price);
worker.addOrchestrator(purchase);
await worker.start();
console.log('the worker runs; Ctrl-C ends it');
process.on('SIGINT', async () => {
  await worker.stop();
  process.exit(0);
});
