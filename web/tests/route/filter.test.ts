import { describe, expect, it } from "vitest";
import { formatFilter, nameMatches, numberOf, parseFilter, spanOf, valueMatches } from "../../src/route/filter";

const FIELDS = ["ready", "state"];

describe("a filter", () => {
  it("has typed words and words of the name", () =>
    expect(parseFilter("ready:>1000 orders state:flow", FIELDS)).toEqual({
      text: "orders",
      typed: [
        { field: "ready", op: ">", value: "1000" },
        { field: "state", op: "=", value: "flow" },
      ],
    }));
  it("takes an unknown field as part of the name", () =>
    expect(parseFilter("urn:isbn:1", FIELDS)).toEqual({ text: "urn:isbn:1", typed: [] }));
  it("is written as it was read", () =>
    expect(formatFilter(parseFilter("ready:>1000 state:flow orders", FIELDS))).toBe("ready:>1000 state:flow orders"));
  it("finds names that hold all words, in any case", () => {
    expect(nameMatches("Orders.Created", "created ord")).toBe(true);
    expect(nameMatches("orders.paid", "created")).toBe(false);
  });
});

describe("a value", () => {
  it("is compared as a number", () => {
    expect(valueMatches(1500, { field: "ready", op: ">", value: "1k" })).toBe(true);
    expect(valueMatches(1000, { field: "ready", op: ">", value: "1,000" })).toBe(false);
    expect(valueMatches(0, { field: "ready", op: "=", value: "0" })).toBe(true);
    expect(valueMatches(5, { field: "ready", op: "=", value: "many" })).toBe(false);
  });
  it("is compared as an age", () =>
    expect(valueMatches(8 * 864e5, { field: "oldest", op: ">", value: "7d" }, true)).toBe(true));
  it("that is missing fits nothing", () => expect(valueMatches(undefined, { field: "a", op: "=", value: "x" })).toBe(false));
  it.each([
    ["2.5MiB", 2_621_440],
    ["10", 10],
    ["x", null],
    ["5qq", null],
  ])("%s is %s", (text, value) => expect(numberOf(text)).toBe(value));
  it("has a span", () => expect(spanOf("90s")).toBe(90_000));
});
