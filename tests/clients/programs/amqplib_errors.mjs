// Refusals as amqplib tells them: who emits the error, its code and its text.

import amqplib from 'amqplib';

import { name, report } from './amqplib_inbox.mjs';

const uri = process.env.BROKER_URI;

async function onAChannel(act) {
  const connection = await amqplib.connect(uri);
  const channel = await connection.createChannel();
  const told = new Promise((resolve) => channel.once('error', resolve));
  const answer = Promise.resolve(act(channel, connection)).catch(() => undefined);
  const { code, message } = await told;
  await answer;
  await connection.createChannel(); // the connection is still of use
  await connection.close();
  return { code, message };
}

async function onTheConnection(act) {
  const connection = await amqplib.connect(uri);
  const channel = await connection.createChannel();
  const told = new Promise((resolve) => connection.once('error', resolve));
  const closed = new Promise((resolve) => connection.once('close', resolve));
  const answer = Promise.resolve(act(channel)).catch(() => undefined);
  const { code, message } = await told;
  await closed;
  await answer;
  return { code, message };
}

async function whileOpening(otherUri) {
  try {
    await (await amqplib.connect(otherUri)).close();
  } catch (error) {
    return error.message;
  }
  return 'opened';
}

async function locked() {
  const owner = await amqplib.connect(uri);
  const { queue } = await (await owner.createChannel()).assertQueue('', { exclusive: true });
  const refusal = await onAChannel((channel) => channel.checkQueue(queue));
  await owner.close();
  return refusal.code;
}

report({
  missingQueue: await onAChannel((channel) => channel.checkQueue(name('none'))),
  missingExchange: await onAChannel((channel) =>
    channel.publish(name('none'), '', Buffer.from('')),
  ),
  inequivalent: await onAChannel(async (channel) => {
    await channel.assertQueue(name('queue'), { durable: true });
    await channel.assertQueue(name('queue'), { durable: false });
  }),
  unknownTag: await onAChannel((channel) => channel.ack({ fields: { deliveryTag: 9 } })),
  locked: await locked(),
  sameTag: await onTheConnection(async (channel) => {
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.consume(queue, () => {}, { consumerTag: 'twice' });
    await channel.consume(queue, () => {}, { consumerTag: 'twice' });
  }),
  wrongPassword: await whileOpening(uri.replace('guest:guest@', 'guest:wrong@')),
  missingVhost: await whileOpening(uri.replace(/[^/]*$/, 'nowhere')),
  smallFrames: await whileOpening(`${uri}?frameMax=4096`),
  tooSmallFrames: await whileOpening(`${uri}?frameMax=1024`),
  fewChannels: await whileOpening(`${uri}?channelMax=2`),
});
