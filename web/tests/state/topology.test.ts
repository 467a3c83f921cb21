import { describe, expect, it } from "vitest";
import type { Binding, Exchange, Policy, Queue } from "../../src/api/types";
import { targetsOf } from "../../src/pages/deadletters/targets";
import { differencesOf } from "../../src/pages/definitions/difference";
import { readValue } from "../../src/pages/policies/definitionKeys";
import { previewOf } from "../../src/pages/policies/preview";
import { pictureOf } from "../../src/pages/topology/layout";
import { factsOf } from "../../src/pages/topology/facts";
import { judge, judgeTopic } from "../../src/pages/topology/matching";
import { nearOf } from "../../src/pages/topology/near";
import { routeOf } from "../../src/pages/topology/routing";

const exchange = (name: string, type: string, args = {}): Exchange => ({ name, vhost: "/", type, durable: true, auto_delete: false, internal: false, arguments: args });
const binding = (source: string, key: string, destination: string, kind: "queue" | "exchange" = "queue", args = {}): Binding => ({ source, vhost: "/", destination, destination_type: kind, routing_key: key, arguments: args, properties_key: key || "~" });
const queue = (name: string, args = {}, more: Partial<Queue> = {}): Queue => ({ name, vhost: "/", durable: true, auto_delete: false, exclusive: false, arguments: args, ...more });

describe("a topic pattern", () => {
  it.each([
    ["order.created.*", "order.created.eu", true],
    ["order.#", "order", true],
    ["order.#", "order.a.b.c", true],
    ["#.eu", "order.created.eu", true],
    ["#.eu", "eu", true],
    ["*.*", "order", false],
    ["order.*.eu", "order.eu", false],
    ["#.a.#.b", "x.a.b", true],
    ["", "", true],
    ["*", "", false],
  ])("%s and the key %s: %s", (pattern, key, isMatch) => expect(judgeTopic(pattern, key).isMatch).toBe(isMatch));
  it.each([
    ["order.paid.#", "order.created.eu", "wants paid as word 2"],
    ["order.*", "order.a.b", "wants 2 words, the key has 3"],
    ["#.eu", "order.us", "wants the end eu"],
  ])("%s says why not %s", (pattern, key, why) => expect(judgeTopic(pattern, key).why).toBe(why));
});

describe("a binding of headers", () => {
  const probe = { routingKey: "", headers: { a: "1" } };
  const of = (args: object) => judge("headers", binding("h", "", "q", "queue", args), probe).isMatch;
  it("wants all, unless it says any", () => {
    expect(of({ a: 1, b: 2 })).toBe(false);
    expect(of({ "x-match": "any", a: 1, b: 2 })).toBe(true);
    expect(of({ "x-match": "all", a: 1 })).toBe(true);
  });
});

describe("a route", () => {
  const exchanges = [exchange("orders", "topic", { "alternate-exchange": "lost" }), exchange("all", "fanout"), exchange("lost", "fanout")];
  const bindings = [binding("orders", "order.created", "created"), binding("orders", "#", "all", "exchange"), binding("all", "", "log"), binding("lost", "", "unrouted"), binding("all", "", "orders", "exchange")];
  it("goes through exchanges, and never in circles", () => {
    const route = routeOf("orders", { routingKey: "order.paid", headers: {} }, exchanges, bindings);
    expect(route.arrivals.map((arrival) => arrival.name)).toEqual(["log"]);
    expect(route.misses.map((miss) => miss.name)).toEqual(["created"]);
    expect(route.lit).toContain("exchange all");
  });
  it("takes the alternate exchange when nothing matches", () => {
    const route = routeOf("orders", { routingKey: "x", headers: {} }, exchanges, bindings.filter((one) => one.destination !== "all"));
    expect(route.arrivals.map((arrival) => arrival.name)).toEqual(["unrouted"]);
  });
});

describe("a picture", () => {
  const facts = { exchanges: [exchange("x", "topic"), exchange("alone", "topic")], queues: [queue("q", { "x-dead-letter-exchange": "x" }), queue("unbound")], bindings: [binding("x", "a", "q"), binding("x", "b", "q")], consumers: [], rateIn: () => 5, clientOf: () => "worker-1" };
  const picture = pictureOf(facts);
  it("has what is bound, and counts what it hides", () => {
    expect(picture.boxes.map((box) => box.id)).toEqual(["exchange x", "queue q"]);
    expect(picture.hidden).toBe(2);
  });
  it("has one way for all bindings between two, and one for dead letters", () =>
    expect(picture.edges.map((edge) => [edge.kind, edge.label])).toEqual([["binding", "a, b"], ["dead", ""]]));
});

describe("an answer of nodes and edges", () => {
  it("becomes exchanges, queues, bindings and consumers", () => {
    const facts = factsOf("/", {
      nodes: [
        { id: "exchange x", kind: "exchange", name: "x", type: "topic", rate_in: 2 },
        { id: "queue q", kind: "queue", name: "q", messages_ready: 3, consumers: 1, rate_out: 4 },
        { id: "consumer 1 1 tag", kind: "consumer", name: "tag", connection: "a -> b", channel: 1 },
      ],
      edges: [
        { from: "exchange x", to: "queue q", kind: "binding", routing_keys: ["a", "b"], bindings_count: 9 },
        { from: "queue q", to: "exchange x", kind: "dead" },
        { from: "queue q", to: "consumer 1 1 tag", kind: "consume" },
      ],
      left_out: { queues: 2, edges: 1 },
    });
    expect(facts.bindings.map((one) => one.routing_key)).toEqual(["a", "b", "and 7 more"]);
    expect(facts.queues[0]?.arguments).toEqual({ "x-dead-letter-exchange": "x" });
    expect(facts.consumers[0]).toMatchObject({ queue: { name: "q" }, channel_details: { connection_name: "a -> b" } });
    expect(facts.leftOut).toBe(3);
  });
});

describe("dead-letter queues", () => {
  it("are those behind the exchange, through others too, and those named by a key", () => {
    const queues = [queue("work", { "x-dead-letter-exchange": "dlx" }), queue("direct", { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "parked" }), queue("dlq"), queue("parked"), queue("other")];
    const targets = targetsOf(queues, [binding("dlx", "", "inner", "exchange"), binding("inner", "", "dlq")]);
    expect(targets.map((target) => [target.queue.name, target.from])).toEqual([["dlq", ["work"]], ["parked", ["direct"]]]);
  });
});

describe("the preview of a policy", () => {
  const policy = (name: string, pattern: string, priority: number, definition: object, to = "queues"): Policy => ({ vhost: "/", name, pattern, priority, "apply-to": to, definition: definition as Record<string, unknown> });
  const low = policy("low", ".*", 0, { "message-ttl": 5 });
  const queues = [queue("orders.a"), queue("carts"), queue("q", {}, { type: "quorum" })];
  it("tells who comes, and what changes", () => {
    const saved = policy("ha", "^orders", 10, { "max-length": 1 });
    const preview = previewOf([low, saved], saved, { ...saved, pattern: "^(orders|carts)" }, queues, []);
    expect(preview).toMatchObject({ matchedBefore: 1, matchedAfter: 2, newly: 1, noLonger: 0, settings: 1 });
    expect(preview.effects).toEqual([{ kind: "queue", vhost: "/", name: "carts", before: "low", after: "ha", changes: ["max-length 1", "no message-ttl"] }]);
  });
  it("knows the types of queues", () =>
    expect(previewOf([], null, policy("x", ".*", 0, { a: 1 }, "quorum_queues"), queues, []).effects.map((effect) => effect.name)).toEqual(["q"]));
  it("refuses a pattern that is none", () => expect(() => previewOf([], null, policy("x", "(", 0, {}), queues, [])).toThrow(SyntaxError));
  it("reads values as what they are", () => {
    expect(readValue("message-ttl", "1,000")).toBe(1000);
    expect(readValue("dead-letter-exchange", "007")).toBe("007");
  });
});

describe("an import of definitions", () => {
  it("tells what is new, what differs, and what is the same in another order of keys", () => {
    const now = { queues: [{ vhost: "/", name: "a", durable: true, arguments: [] }, { vhost: "/", name: "b", durable: true }] };
    const file = { queues: [{ arguments: {}, durable: true, name: "a", vhost: "/" }, { vhost: "/", name: "b", durable: false }, { vhost: "/", name: "c" }], users: [] };
    expect(differencesOf(now, file)).toEqual([{ kind: "queues", added: ["/ c"], changed: ["/ b"], same: 1 }]);
  });
  it("that holds no lists breaks nothing", () => expect(differencesOf({}, { queues: 5, users: [null] })).toEqual([]));
});

describe("what is near a name", () => {
  const facts = {
    exchanges: [exchange("orders", "topic"), exchange("other", "fanout")],
    queues: [queue("paid"), queue("far"), queue("audit", { "x-dead-letter-exchange": "orders" })],
    bindings: [binding("orders", "a", "paid"), binding("other", "", "far")],
    consumers: [], leftOut: 2,
  };
  const draw = (shown: typeof facts) => pictureOf({ ...shown, rateIn: () => 0, clientOf: () => "" });
  const near = (text: string) => nearOf(facts, draw(facts), text);
  it("is what is one way away, in both directions", () => {
    expect(near("ORDERS").queues.map((one) => one.name)).toEqual(["paid", "audit"]);
    expect(near("paid").exchanges.map((one) => one.name)).toEqual(["orders"]);
  });
  it("counts what is left out with what the broker left out", () => expect(near("paid").leftOut).toBe(2 + 1 + 2));
  it("is nothing where nothing is called so", () => expect(draw(near("none") as typeof facts).boxes).toEqual([]));
});
