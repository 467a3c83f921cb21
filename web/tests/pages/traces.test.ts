import { describe, expect, it } from "vitest";
import { textOf } from "../../src/format/parts";
import { parseExposition } from "../../src/pages/metrics/exposition";
import { growthNow, growthOf, noteTraces, type Traces } from "../../src/pages/metrics/traces";
import { addressOfSource, sourceOf } from "../../src/pages/metrics/sources";
import { amount, growth } from "../../src/pages/metrics/units";

const note = (traces: Traces, text: string, atS: number, open?: string): void => noteTraces(traces, parseExposition(text), atS, open);

describe("what was told while the page is open", () => {
  it("is a line of each series", () => {
    const traces: Traces = new Map();
    note(traces, "a 1\nb 5\n", 10);
    note(traces, "a 11\n", 15);
    expect([...traces]).toEqual([["a", { times: [10, 15], values: [1, 11] }]]);
  });
  it("is noted once for each answer", () => {
    const traces: Traces = new Map();
    note(traces, "a 1\n", 10);
    note(traces, "a 1\n", 10);
    expect(traces.get("a")?.times).toEqual([10]);
  });
  it("has an end", () => {
    const traces: Traces = new Map();
    for (let at = 0; at < 400; at += 1) note(traces, `a ${at}\n`, at);
    expect(traces.get("a")?.values).toHaveLength(360);
    expect(traces.get("a")?.values.at(-1)).toBe(399);
  });
  it("keeps the open metric where there are too many", () => {
    const traces: Traces = new Map();
    note(traces, `${Array.from({ length: 3000 }, (_, at) => `many{q="${at}"} 1`).join("\n")}\nlast 1\n`, 1, "last");
    expect(traces.size).toBe(2000);
    expect(traces.has("last")).toBe(true);
  });
  it("grows from one answer to the next, and not over a restart", () => expect(growthOf({ times: [0, 5, 10], values: [10, 60, 3] })).toEqual([null, 10, null]));
  it("grows together", () => expect(growthNow(new Map([["a", { times: [0, 5], values: [0, 10] }], ["b", { times: [0, 5], values: [0, 5] }], ["c", { times: [5], values: [9] }]]), ["a", "b", "c"])).toBe(3));
});

describe("a value", () => {
  it.each([["x_bytes", 2048, "2 KiB"], ["x_seconds_sum", 1.23456, "1.235 s"], ["x_total", 344_288, "344,288"], ["x_ratio", 0.51234, "0.5123"], ["x", Infinity, "+∞"], ["x", Number.NaN, "–"], ["x_seconds", 1_764_465_600.5, "1764465600.5 s"]])("of %s, %d", (name, value, text) => expect(textOf(amount(name, value)).replace(".0 KiB", " KiB")).toBe(text));
  it("of bytes grows in bytes", () => expect(textOf(growth("in_bytes_total", 4096.4))).toMatch(/KiB\/s$/));
});

describe("what is asked for", () => {
  it("is all together at first", () => expect(addressOfSource(sourceOf(undefined), "shop", "x")).toBe("api/metrics"));
  it("is a family, of a virtual host and of queues that fit", () => expect(addressOfSource(sourceOf("queue_metrics"), "a b", "^x&y")).toBe("api/metrics/detailed?family=queue_metrics&vhost=a+b&queue=%5Ex%26y"));
  it("has a pattern where there are queues alone", () => expect(addressOfSource(sourceOf("exchange_metrics"), "", "^x")).toBe("api/metrics/detailed?family=exchange_metrics"));
  it("is all together where the address names nothing that there is", () => expect(sourceOf("nope").id).toBe(""));
});
