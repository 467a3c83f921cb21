/** One value of a metric, with what tells it from the others. */
export interface Series {
  /** Name and labels as they are written: the same in each answer. */
  key: string;
  /** Behind the name of the metric: `_bucket`, `_sum`; mostly nothing. */
  suffix: string;
  labels: readonly (readonly [string, string])[];
  value: number;
}

export interface Metric {
  name: string;
  /** `counter`, `gauge`, `histogram`, `summary`, `untyped`. */
  type: string;
  help: string;
  series: readonly Series[];
}

const SUFFIXES = ["_bucket", "_sum", "_count"];
const SAMPLE = /^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)(?: -?\d+)?$/s;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/gs;

/** Read the text format of Prometheus. A line that is none of it is passed over, such as one that was cut. */
export function parseExposition(text: string): Metric[] {
  const metrics = new Map<string, { name: string; type: string; help: string; series: Series[] }>();
  const named = (name: string) => {
    const known = metrics.get(name);
    if (known !== undefined) return known;
    const metric = { name, type: "untyped", help: "", series: [] };
    metrics.set(name, metric);
    return metric;
  };
  for (const line of text.split("\n")) {
    if (line.startsWith("# ")) {
      const [, word, name, rest = ""] = /^# (HELP|TYPE) (\S+) ?(.*)$/s.exec(line) ?? [];
      if (name === undefined) continue;
      if (word === "TYPE") named(name).type = rest;
      else named(name).help = unescaped(rest);
      continue;
    }
    const [key, name, labels, value] = SAMPLE.exec(line) ?? [];
    if (key === undefined || name === undefined || value === undefined) continue;
    const suffix = metrics.has(name) ? "" : (SUFFIXES.find((one) => name.endsWith(one) && metrics.has(name.slice(0, -one.length))) ?? "");
    const base = suffix === "" ? name : name.slice(0, -suffix.length);
    named(base).series.push({ key: `${name}${labels ?? ""}`, suffix, labels: labelsOf(labels ?? ""), value: numberOf(value) });
  }
  return [...metrics.values()];
}

function labelsOf(text: string): [string, string][] {
  return [...text.matchAll(LABEL)].map(([, name = "", value = ""]) => [name, unescaped(value)]);
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/gs, (_, letter: string) => (letter === "n" ? "\n" : letter));
}

function numberOf(text: string): number {
  if (text === "+Inf") return Infinity;
  if (text === "-Inf") return -Infinity;
  return Number(text);
}

/** What tells a series from the others of its metric, in words; empty where there is one alone. */
export function titleOf(series: Series): string {
  const labels = series.labels.map(([name, value]) => `${name}=${value}`).join(" ");
  return [series.suffix.slice(1), labels].filter(Boolean).join(" ");
}

/** What stands for all series of a metric: its one value, the sum of several, how many a histogram counted. */
export function valueOf(metric: Metric): number | undefined {
  if (metric.type === "histogram" || metric.type === "summary") {
    const counts = metric.series.filter((series) => series.suffix === "_count");
    return counts.length === 0 ? undefined : sumOf(counts);
  }
  return metric.series.length === 0 ? undefined : sumOf(metric.series);
}

function sumOf(series: readonly Series[]): number | undefined {
  const sum = series.reduce((total, one) => total + one.value, 0);
  return Number.isFinite(sum) ? sum : undefined;
}

/** Whether its values only grow, so that what matters is how fast. */
export function isCounter(metric: Metric): boolean {
  return metric.type === "counter" || metric.type === "histogram" || metric.type === "summary";
}
