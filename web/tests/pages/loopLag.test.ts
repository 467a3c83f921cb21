import { describe, expect, it } from "vitest";
import { barsOf, lagText, marksOf, summaryOf, type LoopLag } from "../../src/pages/nodes/loopLag";

const lag = (counts: number[], more: Partial<LoopLag> = {}): LoopLag => ({
  step_ms: 100, span_ms: 60_000, bounds_ms: [1, 10, 100, 1000], counts, probes: counts.reduce((sum, one) => sum + one, 0), mean_ms: 1, p50_ms: 0.5, p99_ms: 9, max_ms: 80, ...more,
});

describe("the lag of the loop", () => {
  it("has a class for each bound, and one more", () => expect(barsOf(lag([1, 0, 0, 0, 0])).map((bar) => [bar.title, bar.range])).toEqual([["1", "up to 1 ms"], ["10", "over 1 ms, up to 10 ms"], ["100", "over 10 ms, up to 100 ms"], ["1 s", "over 100 ms, up to 1 s"], ["later", "over 1 s"]]));
  it("shows one probe in ten thousand", () => {
    const [many, none, one] = barsOf(lag([10_000, 0, 1, 0, 0]));
    expect(many?.share).toBe(1);
    expect(none?.share).toBe(0);
    expect(one?.share).toBeCloseTo(0.2);
  });
  it("says in which class most probes lie", () => expect(barsOf(lag([90, 9, 1, 0, 0])).map((bar) => bar.marks)).toEqual([["p50"], ["p99"], ["max"], [], []]));
  it("says nothing where nothing was probed", () => {
    expect(barsOf(lag([0, 0, 0, 0, 0])).flatMap((bar) => bar.marks)).toEqual([]);
    expect(summaryOf(lag([0, 0, 0, 0, 0]))).toBe("No probe has run yet.");
  });
  it("marks what is over the promise of a turn", () => expect(barsOf(lag([1, 1, 1, 1, 1])).map((bar) => bar.isLong)).toEqual([false, false, false, true, true]));
  it("has lines at each tenfold", () => expect(marksOf(lag([500, 0, 0, 0, 0]))).toEqual([{ count: 1, share: 0.25 }, { count: 10, share: 0.5 }, { count: 100, share: 0.75 }, { count: 1000, share: 1 }]));
  it.each([[0, "0 ms"], [0.01, "< 0.1 ms"], [0.44, "0.4 ms"], [9.96, "10 ms"], [82.4, "82 ms"], [1234, "1.2 s"]])("%d is %s", (ms, text) => expect(lagText(ms)).toBe(text));
});
