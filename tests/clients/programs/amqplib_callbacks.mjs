// The older callback API, with a heartbeat of one second over an idle time of more than two.

import amqplib from 'amqplib/callback_api';

import { name, report } from './amqplib_inbox.mjs';

const steps = [];

function check(error) {
  if (error) throw error;
}

amqplib.connect(`${process.env.BROKER_URI}?heartbeat=1`, (connectError, connection) => {
  check(connectError);
  connection.createChannel((channelError, channel) => {
    check(channelError);
    const [awaited, delay] = [name('awaited'), name('delay')];
    channel.assertQueue(awaited, { durable: false }, check);
    channel.assertQueue(
      delay,
      { durable: false, deadLetterExchange: '', deadLetterRoutingKey: awaited },
      check,
    );
    channel.consume(
      awaited,
      (message) => {
        steps.push(message.content.toString());
        channel.ack(message);
        connection.close(() => report({ steps }));
      },
      {},
      (consumeError) => {
        check(consumeError);
        steps.push('consuming');
        channel.sendToQueue(delay, Buffer.from('later'), { expiration: 2500 });
      },
    );
  });
});
