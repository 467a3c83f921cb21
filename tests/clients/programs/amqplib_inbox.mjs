// Consumers that keep what they are given, so that a program can wait for a count of it.

export async function inbox(channel, queue, options = {}) {
  const messages = [];
  const waiting = [];
  const { consumerTag } = await channel.consume(
    queue,
    (message) => {
      messages.push(message);
      for (const waiter of waiting.splice(0)) waiter();
    },
    options,
  );
  async function waitFor(count) {
    while (messages.length < count) await new Promise((resolve) => waiting.push(resolve));
    return messages;
  }
  return { consumerTag, messages, waitFor };
}

export function bodies(messages) {
  return messages.map((message) => message.content.toString());
}

export function name(word) {
  return `${process.env.NAME_PREFIX}.${word}`;
}

export function report(facts) {
  console.log(JSON.stringify(facts));
}
