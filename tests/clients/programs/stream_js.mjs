// The stream client for Node.js: publishing, dedup, sub-entries, offsets, a super stream.

import streams from 'rabbitmq-stream-js-client';

const { connect, Offset } = streams;
const stream = `${process.env.NAME_PREFIX}-js`;
const client = await connect({
  hostname: 'localhost',
  port: Number(process.env.STREAM_PORT),
  username: 'guest',
  password: 'guest',
  vhost: '/',
  heartbeat: 0,
});

async function read(name, offset, count) {
  const got = [];
  let consumer;
  await new Promise((resolve, reject) => {
    client
      .declareConsumer({ stream: name, offset }, (message) => {
        got.push(message);
        if (got.length === count) resolve();
      })
      .then((declared) => {
        consumer = declared;
      }, reject);
  });
  await consumer.close();
  return got;
}

const texts = (messages) => messages.map((message) => message.content.toString());

await client.createStream({ stream, arguments: { 'max-length-bytes': 1_000_000_000 } });
const publisher = await client.declarePublisher({ stream, publisherRef: 'js' });
for (const id of [1n, 2n, 2n, 3n]) {
  await publisher.basicSend(id, Buffer.from(`number ${id}`));
}
await publisher.flush();
const nameless = await client.declarePublisher({ stream });
await nameless.sendSubEntries([{ content: Buffer.from('sub one') }, { content: Buffer.from('sub two') }]);
const all = await read(stream, Offset.first(), 5);
const fromOffset = await read(stream, Offset.offset(1n), 2);
const lastId = await publisher.getLastPublishingId();
const keeper = await client.declareConsumer(
  { stream, offset: Offset.first(), consumerRef: 'reader' },
  () => {},
);
await keeper.storeOffset(2n);
const stored = await client.queryOffset({ stream, reference: 'reader' });
const statistics = await client.streamStatsRequest(stream);

const updates = [];
let told;
const isTold = new Promise((resolve) => {
  told = resolve;
});
publisher.on('metadata_update', (update) => {
  updates.push(update.metadataInfo.stream);
  if (update.metadataInfo.stream === stream) told();
});

const superStream = `${stream}-super`;
await client.createSuperStream({ streamName: superStream }, undefined, 3);
const sender = await client.declareSuperStreamPublisher({ superStream }, (_text, options) =>
  options.messageProperties?.messageId,
);
for (let number = 0; number < 30; number += 1) {
  await sender.send(Buffer.from(String(number)), { messageProperties: { messageId: `k${number % 5}` } });
}
const partitions = await client.queryPartitions({ superStream });
const received = [];
let group;
await new Promise((resolve) => {
  group = client.declareSuperStreamConsumer(
    { superStream, offset: Offset.first(), consumerRef: 'group' },
    (message) => {
      received.push(Number(message.content.toString()));
      if (received.length === 30) resolve();
    },
  );
});
// All messages may have come before the last of its consumers is declared.
await group;
await client.deleteSuperStream({ streamName: superStream });
await client.deleteStream({ stream });
// It comes on another connection than the answer to the delete.
await isTold;

console.log(
  JSON.stringify({
    all: texts(all),
    offsets: all.slice(0, 3).map((message) => Number(message.offset)),
    fromOffset: texts(fromOffset),
    lastId: Number(lastId),
    stored: Number(stored),
    firstChunk: Number(statistics.firstChunkId ?? statistics.statistics?.firstChunkId),
    partitions: partitions.length,
    received: received.sort((one, two) => one - two),
    updates: updates.filter((name) => name === stream).length,
  }),
);
process.exit(0);
