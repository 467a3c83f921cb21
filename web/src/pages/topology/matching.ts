import type { Binding } from "../../api/types";

/** Whether a binding takes a message, and why. */
export interface Judgement {
  isMatch: boolean;
  /** In words: "`*` is eu", "wants paid as word 2". */
  why: string;
}

export interface Probe {
  routingKey: string;
  headers: Readonly<Record<string, string>>;
}

/** Judge one binding of an exchange of a type. Types that choose by chance or by hash cannot be foretold. */
export function judge(type: string, binding: Binding, probe: Probe): Judgement {
  switch (type) {
    case "fanout":
      return { isMatch: true, why: "a fanout takes any key" };
    case "direct":
      return binding.routing_key === probe.routingKey
        ? { isMatch: true, why: "the key is equal" }
        : { isMatch: false, why: `wants exactly ${quoted(binding.routing_key)}` };
    case "topic":
      return judgeTopic(binding.routing_key, probe.routingKey);
    case "headers":
      return judgeHeaders(binding, probe.headers);
    default:
      return { isMatch: false, why: `an exchange of type ${type} chooses by itself` };
  }
}

/** A pattern of words: `*` is one word, `#` any number of them. */
export function judgeTopic(pattern: string, key: string): Judgement {
  const wanted = pattern.split(".");
  const words = key === "" ? [] : key.split(".");
  if (pattern === "#") return { isMatch: true, why: "# takes any key" };
  if (matchesFrom(pattern === "" ? [] : wanted, words)) return { isMatch: true, why: takenBy(wanted, words) };
  return { isMatch: false, why: missedBy(wanted, words) };
}

function matchesFrom(pattern: readonly string[], words: readonly string[]): boolean {
  // One row of the usual table at a time: can the pattern up to here end at each word?
  let ends = [true, ...words.map(() => false)];
  for (const part of pattern) {
    const next = ends.map(() => false);
    for (let at = 0; at <= words.length; at += 1) {
      if (part === "#") next[at] = (ends[at] ?? false) || (at > 0 && (next[at - 1] ?? false));
      else if (at > 0) next[at] = (ends[at - 1] ?? false) && (part === "*" || part === words[at - 1]);
    }
    ends = next;
  }
  return ends.at(-1) ?? false;
}

function takenBy(pattern: readonly string[], words: readonly string[]): string {
  if (pattern.includes("#")) return "matches: # takes the rest";
  const stars = pattern.flatMap((part, index) => (part === "*" ? [words[index] ?? ""] : []));
  return stars.length === 0 ? "the key is equal" : `matches: * is ${stars.join(" and ")}`;
}

function missedBy(pattern: readonly string[], words: readonly string[]): string {
  const hash = pattern.indexOf("#");
  const fixed = hash < 0 ? pattern : pattern.slice(0, hash);
  const at = fixed.findIndex((part, index) => part !== "*" && part !== words[index]);
  if (at >= 0) return `wants ${quoted(fixed[at] ?? "")} as word ${at + 1}`;
  if (hash < 0 && pattern.length !== words.length) return `wants ${pattern.length} words, the key has ${words.length}`;
  return `wants the end ${quoted(pattern.slice(hash + 1).join("."))}`;
}

function judgeHeaders(binding: Binding, headers: Probe["headers"]): Judgement {
  const mode = String(binding.arguments["x-match"] ?? "all");
  const wanted = Object.entries(binding.arguments).filter(([name]) => mode.endsWith("-with-x") ? name !== "x-match" : !name.startsWith("x-"));
  const fits = ([name, value]: [string, unknown]): boolean => name in headers && (value === null || headers[name] === String(value));
  const missing = wanted.find((entry) => !fits(entry));
  const found = wanted.find(fits);
  if (mode.startsWith("any")) {
    if (found !== undefined) return { isMatch: true, why: `header ${found[0]} fits` };
    return { isMatch: false, why: "no header fits" };
  }
  if (missing === undefined) return { isMatch: true, why: "all headers fit" };
  return { isMatch: false, why: `wants header ${missing[0]} = ${String(missing[1])}` };
}

function quoted(text: string): string {
  return text === "" ? "an empty key" : text;
}
