import { describe, expect, it } from "vitest";
import { TooLong, valuesAt } from "../../src/pages/messages/jsonpath/evaluate";
import { parsePath, PathError } from "../../src/pages/messages/jsonpath/parse";
import { messageFilterOf } from "../../src/pages/messages/messageFilter";

const ORDER = {
  id: 7, total: 129.5, "odd key": 1, note: null, "__proto__x": 1,
  customer: { id: "kestrel", tags: ["a", "b"] },
  items: [{ sku: "x", price: 5 }, { sku: "y", price: 20 }, { sku: "z", price: 20 }],
};
const at = (path: string, body: unknown = ORDER): unknown[] => valuesAt(parsePath(path), body);
const is = (test: string): boolean => at(`$[?${test}]`, [ORDER]).length === 1;

describe("a path", () => {
  it.each<[string, unknown[]]>([
    ["$.id", [7]],
    ["$['odd key']", [1]],
    ['$["customer"].tags[0]', ["a"]],
    ["$.items[-1].sku", ["z"]],
    ["$.items[0,2].sku", ["x", "z"]],
    ["$.items[1:].sku", ["y", "z"]],
    ["$.items[::-1].sku", ["z", "y", "x"]],
    ["$.items[:2:2].sku", ["x"]],
    ["$.items[*].price", [5, 20, 20]],
    ["$..sku", ["x", "y", "z"]],
    ["$.items[?@.price > 10].sku", ["y", "z"]],
    ["$.items[?(@.price > 10 && @.sku == 'z')].sku", ["z"]],
    ["$.items[?@.price == $.items[1].price].sku", ["y", "z"]],
    ["$.missing.deeper", []],
    ["$.items.sku", []],
    ["$.id.x", []],
    ["$.constructor", []],
    ["$.toString", []],
  ])("%s leads to %j", (path, values) => expect(at(path)).toEqual(values));
  it("of the whole body is the body", () => expect(at("$", 5)).toEqual([5]));
  it.each(["", "id", "$.", "$[", "$[x]", "$['a]", "$.a b", "$[?]", "$[?@.a ==]", `$${".a".repeat(400)}`, `$[?${"(".repeat(40)}@${")".repeat(40)}]`, "$['\\q']"])("%s is none", (path) =>
    expect(() => parsePath(path)).toThrow(PathError));
  it("says at which letter it goes wrong", () => expect(() => parsePath("$.a[x]")).toThrow("at letter 5"));
});

describe("a test of a filter", () => {
  it.each<[string, boolean]>([
    ["@.total > 100", true],
    ["@.total > 200", false],
    ["@.customer.id == 'kestrel'", true],
    ["@.customer.id != 'kestrel'", false],
    ["@.note == null", true],
    ["@.missing", false],
    ["!@.missing", true],
    ["@.total > '100'", false],
    ["@.items[*].price >= 20", true],
    ["@.total > 200 || @.id == 7 && @.note == null", true],
    ["(@.total > 200 || @.id == 7) && @.missing", false],
    ["@.customer.tags == @.customer.tags", true],
  ])("%s is %s", (test, value) => expect(is(test)).toBe(value));
  it.each(["5", "'a'", "@.a >", "@.a = 5", "@.a &&", "(  @.a", "@.a == 5 5"])("%s is none", (test) => expect(() => is(test)).toThrow(PathError));
});

describe("a body that is made to take long", () => {
  const deep = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));
  it.each(["$..*", "$..*..*", "$..[?@..[?@..*]]", "$[?@ == $[1] || $[2] == @]"])("ends %s", (path) => expect(() => at(path, Array.from({ length: 9000 }, (_, index) => [index, [index]]) as unknown)).toThrow(TooLong));
  it("may be as deep as it likes", () => expect(at("$..x", deep(3000))).toEqual([]));
  it("may be long where the path is not", () => expect(at("$[19000]", Array.from({ length: 20_000 }, (_, index) => index))).toEqual([19_000]));
});

describe("what was typed", () => {
  it("ends with a JSONPath", () => expect(messageFilterOf("key:order.paid $.total > 100")).toEqual({ routing_key: "order.paid", jsonpath: "$.total > 100" }));
  it("may be a JSONPath alone", () => expect(messageFilterOf("!($.a)")).toEqual({ jsonpath: "!($.a)" }));
  it("has dollars in words", () => expect(messageFilterOf("costs $5 a$.b")).toEqual({ text: "costs $5 a$.b" }));
});
