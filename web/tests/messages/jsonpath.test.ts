import { describe, expect, it } from "vitest";
import type { Message } from "../../src/api/types";
import { holds, TooLong, valuesAt } from "../../src/pages/messages/jsonpath/evaluate";
import { parsePath, parseTest, PathError } from "../../src/pages/messages/jsonpath/parse";
import { wantedOf } from "../../src/pages/messages/messageFilter";
import { fits } from "../../src/pages/messages/messageTest";

const ORDER = {
  id: 7, total: 129.5, "odd key": 1, note: null, "__proto__x": 1,
  customer: { id: "kestrel", tags: ["a", "b"] },
  items: [{ sku: "x", price: 5 }, { sku: "y", price: 20 }, { sku: "z", price: 20 }],
};
const at = (path: string, body: unknown = ORDER): unknown[] => valuesAt(parsePath(path), body);
const is = (test: string, body: unknown = ORDER): boolean => holds(parseTest(test), body);

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

describe("a test", () => {
  it.each<[string, boolean]>([
    ["$.total > 100", true],
    ["$.total > 200", false],
    ["$.customer.id == 'kestrel'", true],
    ["$.customer.id != 'kestrel'", false],
    ["$.note == null", true],
    ["$.missing", false],
    ["!$.missing", true],
    ["$.total > '100'", false],
    ["$.items[*].price >= 20", true],
    ["$.total > 200 || $.id == 7 && $.note == null", true],
    ["($.total > 200 || $.id == 7) && $.missing", false],
    ["$.customer.tags == $.customer.tags", true],
  ])("%s is %s", (test, value) => expect(is(test)).toBe(value));
  it.each(["5", "'a'", "$.a >", "$.a = 5", "$.a &&", "(  $.a", "$.a == 5 5"])("%s is none", (test) => expect(() => parseTest(test)).toThrow(PathError));
});

describe("a body that is made to take long", () => {
  const deep = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));
  it.each(["$..*", "$..*..*", "$..[?@..[?@..*]]", "$[?@ == $[1] || $[2] == @]"])("ends %s", (path) => expect(() => at(path, Array.from({ length: 9000 }, (_, index) => [index, [index]]) as unknown)).toThrow(TooLong));
  it("may be as deep as it likes", () => expect(at("$..x", deep(3000))).toEqual([]));
  it("may be long where the path is not", () => expect(at("$[19000]", Array.from({ length: 20_000 }, (_, index) => index))).toEqual([19_000]));
});

describe("what was typed", () => {
  it("ends with a JSONPath", () => expect(wantedOf("key:order.paid $.total > 100")).toMatchObject({ filter: { routing_key: "order.paid" }, test: { kind: "compare" }, fault: "" }));
  it("may be a JSONPath alone", () => expect(wantedOf("$.a").filter).toBeUndefined());
  it("has dollars in words", () => expect(wantedOf("costs $5 a$.b")).toEqual({ filter: { text: "costs $5 a$.b" }, fault: "" }));
  it("is told what is wrong", () => expect(wantedOf("$.a >").fault).toContain("Expected"));
});

describe("a message", () => {
  const message = (payload: string, more: Partial<Message> = {}): Message => ({ payload, payload_encoding: "string", payload_bytes: payload.length, redelivered: false, exchange: "", routing_key: "", properties: {}, ...more });
  const test = parseTest("$.total > 100");
  it("fits or does not", async () => {
    expect(await fits(test, message('{"total":200}'))).toBe(true);
    expect(await fits(test, message('{"total":2}'))).toBe(false);
  });
  it.each(["no JSON", '{"total":20', ""])("of %j cannot be told", async (payload) => expect(await fits(test, message(payload))).toBeUndefined());
  it("that is packed is unpacked", async () => {
    const packed = new Uint8Array(await new Response(new Blob(['{"total":200}']).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer());
    const payload = btoa(String.fromCharCode(...packed));
    expect(await fits(test, message(payload, { payload_encoding: "base64", properties: { content_encoding: "gzip" } }))).toBe(true);
  });
});
