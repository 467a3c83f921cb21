// Rascal: a topology out of a configuration, with retries behind a delay and a dead letter queue.
// Prints a report in JSON.

import rascal from 'rascal';

const { BrokerAsPromised: Broker } = rascal;

const PATIENCE_MS = 20_000;
const prefix = process.env.NAME_PREFIX;
const report = { routed: [], tries: [], dead: [], returned: 0 };
let settle;
const settled = new Promise((resolve) => (settle = resolve));

const config = {
  vhosts: {
    '/': {
      connection: { url: process.env.BROKER_URI, retry: { min: 100, max: 1000 } },
      namespace: prefix,
      exchanges: {
        service: { type: 'topic' },
        delay: { type: 'topic' },
        retry: { type: 'topic' },
        dead: { type: 'topic' },
      },
      queues: {
        jobs: { options: { arguments: { 'x-dead-letter-exchange': 'dead' } } },
        'delay:100ms': {
          options: {
            arguments: { 'x-message-ttl': 100, 'x-dead-letter-exchange': 'retry' },
          },
        },
        dead: {},
      },
      bindings: [
        'service[job.#] -> jobs',
        'delay[delay.100ms] -> delay:100ms',
        'retry[*.#] -> jobs',
        'dead -> dead',
      ],
      publications: {
        job: { exchange: 'service', confirm: true },
        nowhere: { exchange: 'service', routingKey: 'nowhere', options: { mandatory: true } },
        retry_in_100ms: {
          exchange: 'delay',
          options: { CC: ['delay.100ms'] },
        },
      },
      subscriptions: {
        jobs: { queue: 'jobs', prefetch: 3 },
        dead: { queue: 'dead' },
      },
    },
  },
  recovery: {
    later: [{ strategy: 'forward', attempts: 2, publication: 'retry_in_100ms' }, { strategy: 'nack' }],
  },
};

function finishOnceAllCame() {
  if (report.routed.length === 3 && report.tries.length === 3 && report.dead.length === 1 && report.returned) {
    settle();
  }
}

const limit = setTimeout(() => {
  console.error('not all came', JSON.stringify(report));
  process.exit(1);
}, PATIENCE_MS);

const broker = await Broker.create(config);
broker.on('error', (error) => console.error(error.message));

const jobs = await broker.subscribe('jobs');
jobs.on('message', (message, content, ackOrNack) => {
  if (content.fails) {
    report.tries.push(message.properties.headers?.rascal?.recovery ? 'again' : 'first');
    ackOrNack(new Error('always'), broker.config.recovery.later);
  } else {
    report.routed.push(content.number);
    ackOrNack();
  }
  finishOnceAllCame();
});
const dead = await broker.subscribe('dead');
dead.on('message', (message, content, ackOrNack) => {
  report.dead.push(content.fails);
  ackOrNack();
  finishOnceAllCame();
});

for (let number = 0; number < 3; number++) {
  const publication = await broker.publish('job', { number }, `job.${number}.new`);
  await new Promise((resolve, reject) => publication.on('success', resolve).on('error', reject));
}
const lost = await broker.publish('nowhere', { number: 9 });
lost.on('return', () => {
  report.returned += 1;
  finishOnceAllCame();
});
await broker.publish('job', { fails: true }, 'job.hard');

await settled;
clearTimeout(limit);
await broker.shutdown();
console.log(JSON.stringify(report));
