// A consumer with amqplib's own recovery: it comes back, and so does what it had not acked.

import amqplib from 'amqplib';

import { name } from './amqplib_inbox.mjs';

const queue = name('recovered');
const connection = await amqplib.connect(process.env.BROKER_URI, {
  recovery: {
    initialDelay: 50,
    maxDelay: 200,
    async setup(model) {
      const channel = await model.createChannel();
      await channel.assertQueue(queue, { durable: true });
      await channel.consume(queue, (message) => {
        const { redelivered } = message.fields;
        console.log(`got ${message.content} redelivered=${redelivered}`);
        if (redelivered) channel.ack(message);
      });
      console.log('consuming');
    },
  },
});
connection.on('error', (error) => console.log(`error ${error.message}`));
connection.on('disconnect', () => console.log('disconnected'));
process.on('SIGTERM', () => connection.close().then(() => process.exit(0)));
