import type { Exchange, Policy, Queue, Table } from "../../api/types";

/** What a change of a policy does to one queue or exchange. */
export interface Effect {
  kind: "queue" | "exchange";
  vhost: string;
  name: string;
  before: string | undefined;
  after: string | undefined;
  /** Settings that come, go or become others, in words. */
  changes: readonly string[];
}

export interface Preview {
  matchedBefore: number;
  matchedAfter: number;
  newly: number;
  noLonger: number;
  settings: number;
  effects: readonly Effect[];
}

type Target = { kind: "queue"; object: Queue } | { kind: "exchange"; object: Exchange };

/**
 * What would change if `edited` took the place of `saved` (null: it is new, or would go). The names
 * are matched by the browser's regular expressions, which agree with the broker's on what patterns of
 * names are made of; the broker has the last word.
 *
 * @throws SyntaxError A pattern that is none.
 */
export function previewOf(
  policies: readonly Policy[],
  saved: Policy | null,
  edited: Policy | null,
  queues: readonly Queue[],
  exchanges: readonly Exchange[],
): Preview {
  const others = policies.filter((policy) => saved === null || policy.name !== saved.name || policy.vhost !== saved.vhost);
  const before = compiled(saved === null ? others : [...others, saved]);
  const after = compiled(edited === null ? others : [...others, edited]);
  const vhost = edited?.vhost ?? saved?.vhost;
  const targets: Target[] = [
    ...queues.map((object): Target => ({ kind: "queue", object })),
    ...exchanges.map((object): Target => ({ kind: "exchange", object })),
  ].filter((target) => target.object.vhost === vhost);
  const effects: Effect[] = [];
  const counts = { matchedBefore: 0, matchedAfter: 0, newly: 0, noLonger: 0, settings: 0 };
  for (const target of targets) {
    const old = winner(before, target);
    const next = winner(after, target);
    const was = saved !== null && old === saved;
    const is = edited !== null && next === edited;
    counts.matchedBefore += Number(was);
    counts.matchedAfter += Number(is);
    counts.newly += Number(is && !was);
    counts.noLonger += Number(was && !is);
    const changes = changesOf(old?.definition ?? {}, next?.definition ?? {});
    counts.settings += Number(changes.length > 0);
    if (old?.name !== next?.name || changes.length > 0) {
      const { vhost: where, name } = target.object;
      effects.push({ kind: target.kind, vhost: where, name, before: old?.name, after: next?.name, changes });
    }
  }
  return { ...counts, effects };
}

interface Compiled {
  policy: Policy;
  pattern: RegExp;
}

function compiled(policies: readonly Policy[]): Compiled[] {
  return policies.map((policy) => ({ policy, pattern: new RegExp(policy.pattern) })).sort((one, other) => other.policy.priority - one.policy.priority);
}

/** Of all policies that match, the one of the highest priority holds alone. */
function winner(policies: readonly Compiled[], target: Target): Policy | undefined {
  return policies.find(({ policy, pattern }) => policy.vhost === target.object.vhost && appliesTo(policy["apply-to"], target) && pattern.test(target.object.name))?.policy;
}

function appliesTo(what: string, target: Target): boolean {
  if (what === "all") return true;
  if (target.kind === "exchange") return what === "exchanges";
  const type = target.object.type ?? "classic";
  return what === "queues" || what === `${type}_queues` || (what === "streams" && type === "stream");
}

function changesOf(before: Table, after: Table): string[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys
    .filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
    .map((key) => {
      if (!(key in after)) return `no ${key}`;
      if (!(key in before)) return `${key} ${shown(after[key])}`;
      return `${key} ${shown(before[key])} → ${shown(after[key])}`;
    });
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
