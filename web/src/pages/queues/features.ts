import type { Queue } from "../../api/types";

/** A mark of two or three letters, and what it means. */
export interface FeatureMark {
  mark: string;
  title: string;
}

/** What is special about a queue: its arguments and policies, and that it does not last. */
export function featuresOf(queue: Queue): FeatureMark[] {
  const policy = policyOf(queue);
  const has = (argument: string, key: string = argument): unknown => queue.arguments?.[`x-${argument}`] ?? policy[key];
  const marks: FeatureMark[] = [];
  const copies = (queue.members?.length ?? 0) || (queue.slave_nodes ? queue.slave_nodes.length + 1 : 0);
  if (copies > 1) marks.push({ mark: `M${copies}`, title: `${copies} copies` });
  if (!queue.durable) marks.push({ mark: "TR", title: "Transient: gone when the broker restarts" });
  if (queue.auto_delete) marks.push({ mark: "AD", title: "Deleted when its last consumer leaves" });
  if (queue.exclusive) marks.push({ mark: "EX", title: "Exclusive: of one connection, and gone with it" });
  if (has("message-ttl") !== undefined) marks.push({ mark: "TTL", title: `Messages expire after ${String(has("message-ttl"))} ms` });
  if (has("expires") !== undefined) marks.push({ mark: "EXP", title: `Deleted after ${String(has("expires"))} ms unused` });
  if (has("dead-letter-exchange") !== undefined) marks.push({ mark: "DLX", title: `Dead letters go to ${String(has("dead-letter-exchange"))}` });
  if (has("max-length") !== undefined || has("max-length-bytes") !== undefined) marks.push({ mark: "LIM", title: "Limited in length" });
  if (has("max-priority") !== undefined) marks.push({ mark: "PRI", title: `Priorities up to ${String(has("max-priority"))}` });
  if (has("queue-mode") === "lazy") marks.push({ mark: "LAZ", title: "Lazy: messages wait on disk" });
  if (has("single-active-consumer") === true) marks.push({ mark: "SAC", title: "One active consumer at a time" });
  return marks;
}

/** The definition of the policies in force; an empty one comes as a list. */
export function policyOf(queue: Queue): Record<string, unknown> {
  const definition = queue.effective_policy_definition;
  return definition === undefined || Array.isArray(definition) ? {} : definition;
}
