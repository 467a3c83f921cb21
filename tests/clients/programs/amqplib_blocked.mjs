// A publisher that meets an alarm: it prints the reason, and ends without waiting for the end.

import amqplib from 'amqplib';

const connection = await amqplib.connect(process.env.BROKER_URI);
connection.on('blocked', (reason) => {
  console.log(`blocked: ${reason}`);
  process.exit(0);
});
const channel = await connection.createChannel();
channel.publish('amq.fanout', '', Buffer.from('first'));
