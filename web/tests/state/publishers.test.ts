import { describe, expect, it } from "vitest";
import { factsOf, type Publisher } from "../../src/pages/topology/facts";
import { pictureOf } from "../../src/pages/topology/layout";
import { publisherGroups } from "../../src/pages/topology/publishers";

const publisher = (connection: string, exchange: string, rate = 1, channel = 1, user = "u"): Publisher => ({ connection, exchange, rate, channel, user });
const byName = (one: Publisher): string => one.connection;

describe("who publishes", () => {
  it("is put together by program, the busiest first", () => {
    const groups = publisherGroups([publisher("till-1", "a"), publisher("till-2", "a", 2), publisher("till-2", "b", 4), publisher("robot", "a", 9)], byName);
    expect(groups.map((group) => [group.name, group.channels, group.rate, [...group.rates]])).toEqual([["robot", 1, 9, [["a", 9]]], ["till", 2, 7, [["a", 3], ["b", 4]]]]);
  });
  it("is put together by user where there are too many programs", () => {
    const many = Array.from({ length: 60 }, (_, at) => publisher(`p${String.fromCharCode(97 + (at % 26))}${String.fromCharCode(97 + Math.floor(at / 26))}`, "a", 1, at, at % 2 ? "one" : "two"));
    expect(publisherGroups(many, byName).map((group) => [group.name, group.channels]).sort()).toEqual([["user one", 30], ["user two", 30]]);
  });
  it("is read from the broker's answer", () => {
    const facts = factsOf("/", {
      nodes: [{ id: "exchange x", kind: "exchange", name: "x" }, { id: "publisher 3 1", kind: "publisher", name: "guest", connection: "c", channel: 1 }],
      edges: [{ from: "publisher 3 1", to: "exchange x", kind: "publish", rate: 2.5 }, { from: "publisher 9 9", to: "exchange x", kind: "publish" }],
      left_out: {},
    });
    expect(facts.publishers).toEqual([{ exchange: "x", rate: 2.5, user: "guest", connection: "c", channel: 1 }]);
  });
  it("stands left of all others, with a way to its exchange", () => {
    const exchange = { name: "x", vhost: "/", type: "topic", durable: true, auto_delete: false, internal: false, arguments: {} };
    const none = { exchanges: [exchange], queues: [], bindings: [], consumers: [], rateIn: () => 0, clientOf: () => "" };
    expect(pictureOf(none).boxes).toEqual([]);
    const picture = pictureOf({ ...none, publishers: [publisher("robot", "x", 4)], nameOf: byName });
    expect(picture.boxes.map((box) => [box.id, box.x, box.note])).toEqual([["publisher robot", 24, "1 channel · 4.0/s"], ["exchange x", 240, "topic"]]);
    expect(picture.edges).toEqual([{ from: "publisher robot", to: "exchange x", kind: "publish", label: "", rate: 4 }]);
  });
});
