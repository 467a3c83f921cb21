import { describe, expect, it } from "vitest";
import { axisMarks, axisTop, nearestIndex, timeMarks } from "../../src/components/axis";
import { sparkPath } from "../../src/components/sparkPath";
import { markOf } from "../../src/components/states";

describe("an axis", () => {
  it.each([
    [48_038, 4, 60_000],
    [1_284_000, 3, 1_500_000],
    [0, 4, 4],
  ])("for %d in %d parts ends at %d", (highest, parts, top) => expect(axisTop(highest, parts, true)).toBe(top));
  it("has parts of one size", () => expect(axisMarks(60, 4)).toEqual([0, 15, 30, 45, 60]));
  it("ends where its values fit", () => expect(axisTop(611, 4, false)).toBe(800));
  it("of whole things has whole marks", () => expect(axisTop(1, 4, true)).toBe(4));
  it("has times from end to end", () => expect(timeMarks(0, 60, 6)).toEqual([0, 10, 20, 30, 40, 50, 60]));
});

describe("the nearest of times", () => {
  it.each([
    [null, 3],
    [0, 0],
    [12, 1],
    [18, 2],
    [99, 3],
  ])("to %s is at %d", (at, index) => expect(nearestIndex([5, 10, 20, 30], at)).toBe(index));
  it("of none is none", () => expect(nearestIndex([], 5)).toBe(-1));
});

describe("a sparkline", () => {
  it("is flat where nothing moves", () => expect(sparkPath([7, 7, 7], 88, 18).isFlat).toBe(true));
  it("is flat with one value", () => expect(sparkPath([7], 88, 18).isFlat).toBe(true));
  it("goes from foot to top", () => expect(sparkPath([0, 10], 88, 18).line).toBe("M0 17L88 2"));
});

describe("a state", () => {
  it("is never told by colour alone", () => {
    const looks = ["running", "idle", "flow", "blocked"].map((state) => markOf(state).shape);
    expect(new Set(looks).size).toBe(4);
  });
  it("that is not known is at rest", () => expect(markOf("who knows").shape).toBe("ring"));
});
