import { describe, expect, it } from "vitest";
import { lengthSeries, rateSeries, sumOf } from "../../src/api/series";

const samples = (...values: number[]) =>
  values.map((sample, index) => ({ sample, timestamp: (values.length - index) * 5000 }));

describe("samples", () => {
  it("of lengths are turned to run with time", () =>
    expect(lengthSeries([samples(3, 2, 1)])).toEqual({ times: [5, 10, 15], lines: [[1, 2, 3]] }));
  it("of counters become rates", () =>
    expect(rateSeries([{ rate: 0, samples: samples(30, 10, 0) }])).toEqual({ times: [10, 15], lines: [[2, 4]] }));
  it("of a counter that was restarted have a gap", () =>
    expect(rateSeries([{ rate: 0, samples: samples(5, 10) }]).lines[0]).toEqual([null]));
  it("that are not there are gaps beside those that are", () =>
    expect(lengthSeries([samples(2, 1), undefined]).lines).toEqual([[1, 2], [null, null]]));
  it("add up where they are known", () => expect(sumOf([[1, null], [2, null]])).toEqual([3, null]));
});
