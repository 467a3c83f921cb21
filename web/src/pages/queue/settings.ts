import type { Policy, Queue, Table } from "../../api/types";

/** One setting of a queue: what holds, who set it, and what it overrides. */
export interface Setting {
  key: string;
  value: unknown;
  by: Source;
  /** What was set elsewhere and does not hold. */
  overrides: readonly { value: unknown; by: Source }[];
}

export interface Source {
  kind: "declared" | "policy" | "operator policy";
  /** The name of the policy, or the argument. */
  name: string;
  priority?: number;
}

/** Arguments that say what a queue is: no policy can set them. */
const IDENTITY = new Set(["x-queue-type", "x-max-priority", "x-queue-leader-locator", "x-queue-master-locator"]);

/**
 * The settings in force. Of two numbers the smaller holds, as a limit that an operator or a policy
 * sets may only be tightened; of other values the argument wins over the policies.
 */
export function settingsOf(queue: Queue, policy?: Policy, operator?: Policy): Setting[] {
  const given: { key: string; value: unknown; by: Source }[] = [
    ...Object.entries(queue.arguments).map(([name, value]) => ({
      key: IDENTITY.has(name) ? name : name.replace(/^x-/, ""),
      value,
      by: { kind: "declared" as const, name },
    })),
    ...fromPolicy(operator, "operator policy"),
    ...fromPolicy(policy, "policy"),
  ];
  const keys = [...new Set(given.map((setting) => setting.key))].sort();
  return keys.map((key) => {
    const all = given.filter((setting) => setting.key === key);
    const first = all.reduce((best, other) => (holds(other.value, best.value) ? other : best));
    return { key, value: first.value, by: first.by, overrides: all.filter((setting) => setting !== first) };
  });
}

function fromPolicy(policy: Policy | undefined, kind: Source["kind"]) {
  return Object.entries(policy?.definition ?? ({} as Table)).map(([key, value]) => ({
    key,
    value,
    by: { kind, name: policy?.name ?? "", priority: policy?.priority ?? 0 },
  }));
}

function holds(other: unknown, best: unknown): boolean {
  return typeof other === "number" && typeof best === "number" && other < best;
}
