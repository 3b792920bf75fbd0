// Buys something: node client.mjs [HOST:PORT].
import sdk from '@microsoft/durabletask-js';

const client = new sdk.TaskHubGrpcClient({ hostAddress: process.argv[2] ?? 'localhost:8080', logger: new sdk.NoOpLogger() });

const id = await client.scheduleNewOrchestration('purchase', { item: 'bicycle', count: 2 });
console.log(`started ${id}`);

let state;
do {
  state = await client.getOrchestrationState(id);
  await new Promise((resolve) => setTimeout(resolve, 50));
} while (!state?.serializedCustomStatus);
console.log(`asked to approve ${state.serializedCustomStatus}`);

await client.raiseOrchestrationEvent(id, 'approval', true);
state = await client.waitForOrchestrationCompletion(id);
state.raiseIfFailed();
console.log(`ended with ${state.serializedOutput}`);
for (const event of await client.getOrchestrationHistory(id)) console.log(`  ${event.type}`);
await client.stop();
