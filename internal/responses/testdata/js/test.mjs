// Drives a Perdure server with OpenAI's SDK for JavaScript: node test.mjs URL.
// The server's agent follows a script, in the order of the calls below.
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const client = new OpenAI({ baseURL: process.argv[2], apiKey: 'none', maxRetries: 0 });

async function text() {
  const models = await client.models.list();
  assert.deepEqual(models.data.map((m) => m.id), ['Joker']);
  const r = await client.responses.create({ model: 'Joker', input: 'A joke.', metadata: { a: 'b' } });
  assert.equal(r.output_text, 'Arr, matey.');
  assert.equal(r.status, 'completed');
  assert.deepEqual(r.metadata, { a: 'b' });
  const again = await client.responses.retrieve(r.id);
  assert.deepEqual(again.output, r.output);
  const input = await client.responses.inputItems.list(r.id);
  assert.equal(input.data[0].content[0].text, 'A joke.');
  await client.responses.delete(r.id);
  await assert.rejects(client.responses.retrieve(r.id), OpenAI.NotFoundError);
  await assert.rejects(client.responses.create({ model: 'Nobody', input: 'x' }), (e) => e.status === 404 && e.param === 'model');
  await assert.rejects(client.responses.create({ model: 'Joker', input: 7 }), (e) => e.status === 400 && e.param === 'input');
}

async function streams() {
  const events = [];
  for await (const e of await client.responses.create({ model: 'Joker', input: 'Count.', stream: true })) events.push(e);
  assert.equal(events[0].type, 'response.created');
  assert.equal(events.at(-1).type, 'response.completed');
  for (let i = 1; i < events.length; i++) assert.ok(events[i].sequence_number > events[i - 1].sequence_number);
  const said = events.filter((e) => e.type === 'response.output_text.delta').map((e) => e.delta).join('');
  assert.equal(said, 'One two three.');
  const id = events[0].response.id;
  for (let i = 0; i < events.length; i++) {
    const rest = [];
    const stream = await client.responses.retrieve(id, { stream: true, starting_after: events[i].sequence_number });
    for await (const e of stream) rest.push(e);
    assert.deepEqual(rest, events.slice(i + 1));
  }
  const whole = await client.responses.stream({ response_id: id, starting_after: events[3].sequence_number }).finalResponse();
  assert.equal(whole.output[0].content[0].text, 'One two three.');
  const live = await client.responses.stream({ model: 'Joker', input: 'Again.' }).finalResponse();
  assert.equal(live.output[0].content[0].text, 'Again.');
}

async function background() {
  let r = await client.responses.create({ model: 'Joker', input: 'Slowly.', background: true });
  while (r.status === 'queued' || r.status === 'in_progress') r = await client.responses.retrieve(r.id);
  assert.equal(r.output_text, 'Late.');
  assert.equal((await client.responses.cancel(r.id)).status, 'completed');
  const hangs = await client.responses.create({ model: 'Joker', input: 'For ever.', background: true });
  assert.equal((await client.responses.cancel(hangs.id)).status, 'cancelled');
  assert.equal((await client.responses.cancel(hangs.id)).status, 'cancelled');
}

async function chain() {
  const tools = [{ type: 'function', name: 'weather', strict: true, parameters: { type: 'object', properties: { city: { type: 'string' } } } }];
  const first = await client.responses.create({ model: 'Joker', input: 'Weather?', tools });
  const call = first.output.find((i) => i.type === 'function_call');
  assert.deepEqual(JSON.parse(call.arguments), { city: 'Oslo' });
  const second = await client.responses.create({
    model: 'Joker', tools, previous_response_id: first.id,
    input: [{ type: 'function_call_output', call_id: call.call_id, output: 'rain' }],
  });
  assert.equal(second.output_text, 'It rains.');
  const third = await client.responses.parse({
    model: 'Joker', input: 'A number.', previous_response_id: second.id,
    text: { format: { type: 'json_schema', name: 'n', strict: true, schema: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'], additionalProperties: false } } },
  });
  assert.equal(JSON.parse(third.output_text).n, 7);
}

async function approvals() {
  const first = await client.responses.create({ model: 'Joker', input: 'Pay.' });
  const request = first.output.at(-1);
  assert.equal(request.type, 'mcp_approval_request');
  assert.deepEqual(JSON.parse(request.arguments), { Amount: 5 });
  const answer = {
    model: 'Joker', previous_response_id: first.id,
    input: [{ type: 'mcp_approval_response', approval_request_id: request.id, approve: true }],
  };
  const second = await client.responses.create(answer);
  assert.equal(second.output_text, 'Paid.');
  assert.equal(second.output[0].type, 'mcp_call');
  assert.equal(second.output[0].output, 'paid 5');
  await assert.rejects(client.responses.create(answer), (e) => e.status === 409);
}

async function conversations() {
  const c = await client.conversations.create({ metadata: { a: 'b' }, items: [{ type: 'message', role: 'user', content: 'Hello.' }] });
  const r = await client.responses.create({ model: 'Joker', input: 'Bye.', conversation: c.id });
  assert.equal(r.conversation.id, c.id);
  const said = [];
  for await (const item of client.conversations.items.list(c.id, { order: 'asc', limit: 1 })) said.push(item.content[0].text);
  assert.deepEqual(said, ['Hello.', 'Bye.', 'So long.']);
  assert.equal((await client.conversations.delete(c.id)).deleted, true);
}

for (const part of [text, streams, background, chain, approvals, conversations]) {
  await part();
  console.log(`ok ${part.name}`);
}
