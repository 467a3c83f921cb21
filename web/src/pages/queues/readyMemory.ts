interface Memory {
  times: number[];
  values: number[];
}

const SPAN_MS = 600_000;
const STEP_MS = 4_500;
const QUEUES_MAX = 2_000;

const memories = new Map<string, Memory>();

/**
 * Note a value of now, at most one each five seconds, and return those of the last ten minutes. Lists
 * come without samples: these are what this tab has seen.
 */
export function remembered(key: string, value: number, now: number): readonly number[] {
  const memory = memories.get(key) ?? { times: [], values: [] };
  // The newest at the end: the queue that was seen longest ago is forgotten first.
  memories.delete(key);
  memories.set(key, memory);
  if (memories.size > QUEUES_MAX) memories.delete(memories.keys().next().value ?? "");
  const last = memory.times.at(-1);
  if (last === undefined || now - last >= STEP_MS) {
    memory.times.push(now);
    memory.values.push(value);
  }
  while (memory.times[0] !== undefined && now - memory.times[0] > SPAN_MS) {
    memory.times.shift();
    memory.values.shift();
  }
  return memory.values;
}
