// Exchanges and what queues do with messages over time: returns, expiry, priority, cancellation.

import amqplib from 'amqplib';

import { bodies, inbox, name, report } from './amqplib_inbox.mjs';

const connection = await amqplib.connect(process.env.BROKER_URI);
const channel = await connection.createConfirmChannel();

async function topics() {
  const exchange = name('topics');
  await channel.assertExchange(exchange, 'topic', { autoDelete: true, durable: false });
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindQueue(queue, exchange, 'stock.*.#');
  for (const key of ['stock.a', 'stock.a.b.c', 'stock', 'shop.a']) {
    channel.publish(exchange, key, Buffer.from(key));
  }
  await channel.waitForConfirms();
  const received = await inbox(channel, queue, { noAck: true });
  return { server_named: queue.startsWith('amq.gen-'), keys: bodies(await received.waitFor(2)) };
}

async function headersOverAnExchangeBinding() {
  const [source, target] = [name('headers'), name('target')];
  await channel.assertExchange(source, 'headers', { durable: false });
  await channel.assertExchange(target, 'fanout', { durable: false });
  await channel.bindExchange(target, source, '', { 'x-match': 'all', kind: 'a' });
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindQueue(queue, target, '');
  channel.publish(source, '', Buffer.from('a'), { headers: { kind: 'a', more: 1 } });
  channel.publish(source, '', Buffer.from('b'), { headers: { kind: 'b' } });
  await channel.waitForConfirms();
  await channel.unbindExchange(target, source, '', { 'x-match': 'all', kind: 'a' });
  channel.publish(source, '', Buffer.from('a'), { headers: { kind: 'a' } });
  await channel.waitForConfirms();
  return (await channel.checkQueue(queue)).messageCount;
}

async function returnsAndAlternates() {
  const [main, rest] = [name('main'), name('rest')];
  const order = [];
  channel.once('return', (message) => order.push(message.fields.replyCode));
  channel.publish('amq.direct', name('nowhere'), Buffer.from('back'), { mandatory: true }, () =>
    order.push('ack'),
  );
  await channel.waitForConfirms();
  await channel.assertExchange(rest, 'fanout', { durable: false });
  await channel.assertExchange(main, 'direct', { durable: false, alternateExchange: rest });
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindQueue(queue, rest, '');
  channel.publish(main, 'unbound', Buffer.from('caught'), { mandatory: true });
  await channel.waitForConfirms();
  return { order, caught: (await channel.checkQueue(queue)).messageCount };
}

async function expiry() {
  const { queue: graveyard } = await channel.assertQueue('', { exclusive: true });
  const { queue } = await channel.assertQueue('', {
    exclusive: true,
    messageTtl: 50,
    deadLetterExchange: '',
    deadLetterRoutingKey: graveyard,
  });
  channel.sendToQueue(queue, Buffer.from('late'));
  const received = await inbox(channel, graveyard, { noAck: true });
  const [dead] = await received.waitFor(1);
  const [death] = dead.properties.headers['x-death'];
  return { body: bodies([dead])[0], reason: death.reason, same: death.queue === queue };
}

async function priorities() {
  const { queue } = await channel.assertQueue('', { exclusive: true, maxPriority: 5 });
  for (const priority of [1, 5, 3]) {
    channel.sendToQueue(queue, Buffer.from(String(priority)), { priority });
  }
  await channel.waitForConfirms();
  const received = await inbox(channel, queue, { noAck: true, priority: 10 });
  return bodies(await received.waitFor(3));
}

async function cancellation() {
  const { queue } = await channel.assertQueue(name('deleted'), { durable: false });
  const received = await inbox(channel, queue);
  await channel.deleteQueue(queue);
  return await received.waitFor(1); // amqplib calls the consumer with null
}

async function directReplyTo() {
  const { queue } = await channel.assertQueue('', { exclusive: true });
  const answers = await inbox(channel, 'amq.rabbitmq.reply-to', { noAck: true });
  const server = await connection.createChannel();
  await server.consume(queue, (message) => {
    const answer = Buffer.from(message.content.toString().toUpperCase());
    const { replyTo, correlationId } = message.properties;
    server.sendToQueue(replyTo, answer, { correlationId });
    server.ack(message);
  });
  for (const word of ['one', 'two']) {
    channel.sendToQueue(queue, Buffer.from(word), {
      replyTo: 'amq.rabbitmq.reply-to',
      correlationId: word,
    });
  }
  const received = await answers.waitFor(2);
  return received.map((message) => [message.properties.correlationId, bodies([message])[0]]);
}

const facts = {
  topics: await topics(),
  headers: await headersOverAnExchangeBinding(),
  returns: await returnsAndAlternates(),
  expiry: await expiry(),
  priorities: await priorities(),
  cancellation: await cancellation(),
  directReplyTo: await directReplyTo(),
};
await connection.close();
report(facts);
