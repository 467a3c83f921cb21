import { describe, expect, it } from "vitest";
import { routesOf } from "../../src/state/capabilities";
import { isStale } from "../../src/state/health";
import { rightsOf } from "../../src/state/rights";
import { tagsOf } from "../../src/state/session";
import { remembered } from "../../src/pages/queues/readyMemory";
import { featuresOf } from "../../src/pages/queues/features";
import { formatArguments, parseArguments } from "../../src/pages/arguments";

describe("rights", () => {
  const of = (...tags: string[]) => rightsOf({ name: "a", tags });
  it("of an administrator are all", () => expect(of("administrator")).toMatchObject({ isAdministrator: true, seesAll: true, setsPolicies: true, isReadOnly: false }));
  it("of who monitors are to read", () => expect(of("monitoring")).toMatchObject({ seesAll: true, isReadOnly: true, readOnlyTag: "monitoring" }));
  it("of nobody are none", () => expect(rightsOf(null)).toMatchObject({ isAdministrator: false, seesAll: false }));
  it("come from tags in either form", () => expect(tagsOf("administrator, monitoring")).toEqual(["administrator", "monitoring"]));
});

describe("capabilities", () => {
  it("are the routes of the description", () =>
    expect([...routesOf({ paths: { "/api/queues/{vhost}/{name}/peek": { post: {} } } })]).toEqual(["POST queues/{}/{}/peek"]));
});

describe("an answer", () => {
  it("grows stale", () => {
    const known = { answeredAt: 1000, offlineSince: null, retryAt: null, cause: "" };
    expect(isStale(known, 5000)).toBe(false);
    expect(isStale(known, 60_000)).toBe(true);
  });
});

describe("what a list remembers of a queue", () => {
  it("is one value each five seconds, for ten minutes", () => {
    remembered("a", 1, 0);
    expect(remembered("a", 2, 1000)).toEqual([1]);
    expect(remembered("a", 3, 5000)).toEqual([1, 3]);
    expect(remembered("a", 4, 603_000)).toEqual([3, 4]);
  });
});

describe("a queue", () => {
  it("shows what is special about it", () => {
    const queue = { name: "q", vhost: "/", durable: false, auto_delete: false, exclusive: false, arguments: { "x-max-priority": 5 }, effective_policy_definition: { "message-ttl": 5 } };
    expect(featuresOf(queue).map((mark) => mark.mark)).toEqual(["TR", "TTL", "PRI"]);
  });
});

describe("arguments", () => {
  it("are JSON where they can be, else text", () =>
    expect(parseArguments("x-message-ttl = 60000\nx-overflow = reject-publish\n\nx-flag = true\nx-text = \"7\"")).toEqual({
      "x-message-ttl": 60000, "x-overflow": "reject-publish", "x-flag": true, "x-text": "7",
    }));
  it("are written as they are read", () => {
    const table = { a: 1, b: "text", c: "7", d: { e: [true] } };
    expect(parseArguments(formatArguments(table))).toEqual(table);
  });
  it("need a name", () => expect(() => parseArguments("= 5")).toThrow("name = value"));
});
