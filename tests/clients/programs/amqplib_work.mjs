// A work queue: confirms, prefetch, ack, nack, get, purge, and every property there and back.

import amqplib from 'amqplib';

import { bodies, inbox, name, report } from './amqplib_inbox.mjs';

const connection = await amqplib.connect(process.env.BROKER_URI);
const signals = [];
connection.on('blocked', (reason) => signals.push(reason));
connection.on('unblocked', () => signals.push('unblocked'));
await connection.updateSecret(Buffer.from('guest'), 'renewed');

const queue = name('work');
const channel = await connection.createConfirmChannel();
const declared = await channel.assertQueue(queue, { durable: true });
const confirmations = [];
for (let number = 0; number < 100; number += 1) {
  channel.sendToQueue(queue, Buffer.from(String(number)), { persistent: true }, (error) =>
    confirmations.push(error === null ? 'ack' : 'nack'),
  );
}
await channel.waitForConfirms();
const afterPublish = await channel.checkQueue(queue);

const worker = await connection.createChannel();
await worker.prefetch(10);
const received = await inbox(worker, queue);
await received.waitFor(10);
const heldBack = (await channel.checkQueue(queue)).messageCount;
worker.nack(received.messages[0], false, true);
await received.waitFor(11);
const again = received.messages[10];
for (let index = 1; index < 100; index += 1) {
  worker.ack((await received.waitFor(index + 1))[index]);
}
await received.waitFor(101);
worker.ack(received.messages[100]);
await worker.cancel(received.consumerTag);

const properties = {
  contentType: 'application/json',
  contentEncoding: 'utf-8',
  headers: { text: 'ä', number: 7, big: 2 ** 45, yes: true, list: [1, 'two'], table: { a: 1 } },
  deliveryMode: 2,
  priority: 4,
  correlationId: 'c',
  replyTo: 'r',
  expiration: '60000',
  messageId: 'm',
  timestamp: 1700000000,
  type: 't',
  userId: 'guest',
  appId: 'a',
};
const large = Buffer.alloc(400_000, 'x');
channel.sendToQueue(queue, large, properties);
channel.sendToQueue(queue, Buffer.from('purged'));
await channel.waitForConfirms();
const got = await channel.get(queue, { noAck: true });
const purged = await channel.purgeQueue(queue);
const nothing = await channel.get(queue);
const deleted = await channel.deleteQueue(queue);
const { product, capabilities } = connection.connection.serverProperties;
await connection.close();

report({
  declared,
  confirmations: [confirmations.length, [...new Set(confirmations)]],
  afterPublish: afterPublish.messageCount,
  heldBack,
  again: [bodies([again])[0], again.fields.redelivered],
  firsts: bodies(received.messages.slice(0, 10)),
  distinct: new Set(bodies(received.messages)).size,
  large: got.content.equals(large),
  properties: Object.fromEntries(
    Object.entries(got.properties).filter(([, value]) => value !== undefined),
  ),
  sent: properties,
  purged,
  nothing,
  deleted,
  product,
  confirmsOffered: capabilities.publisher_confirms,
  signals,
});
