import { describe, expect, it } from "vitest";
import type { Message, Queue } from "../../src/api/types";
import { prettyJson } from "../../src/format/prettyJson";
import { hexDump, octetsOf, textOfOctets, unpacked } from "../../src/pages/messages/body";
import { deathsOf } from "../../src/pages/messages/deaths";
import { drainOf, slopeOf } from "../../src/pages/queue/drain";
import { settingsOf } from "../../src/pages/queue/settings";

const QUEUE: Queue = { name: "q", vhost: "/", durable: true, auto_delete: false, exclusive: false, arguments: { "x-message-ttl": 6, "x-queue-type": "classic" } };
const policy = (name: string, definition: Record<string, unknown>) => ({ vhost: "/", name, pattern: ".*", "apply-to": "all", priority: 10, definition });

describe("the settings of a queue", () => {
  const settings = settingsOf(QUEUE, policy("ha", { "message-ttl": 24, "max-length": 1000, overflow: "reject-publish" }), policy("guard", { "max-length": 500 }));
  const of = (key: string) => settings.find((setting) => setting.key === key);
  it("hold the smaller of two limits", () => expect(of("max-length")).toMatchObject({ value: 500, by: { name: "guard" }, overrides: [{ value: 1000, by: { name: "ha" } }] }));
  it("hold the argument before the policy", () => expect(of("message-ttl")).toMatchObject({ value: 6, by: { kind: "declared" }, overrides: [{ value: 24 }] }));
  it("say which policy set them", () => expect(of("overflow")?.by).toEqual({ kind: "policy", name: "ha", priority: 10 }));
  it("name what only a declaration sets as it was declared", () => expect(of("x-queue-type")?.value).toBe("classic"));
});

describe("a queue", () => {
  it.each([
    [0, 5, "empty"],
    [10, 5, "grows"],
    [10, 0, "rests"],
    [10, -2, "drains"],
    [10, undefined, "unknown"],
  ] as const)("with %s ready that changes by %s %s", (ready, change, word) => expect(drainOf(ready, change).word).toBe(word));
  it("drains in the time that its rate needs", () => expect(drainOf(100, -2).inMs).toBe(50_000));
  it("has no slope before half a minute", () => expect(slopeOf([0, 10, 20], [0, 10, 20])).toBeUndefined());
  it("has the slope of its last half minute", () => expect(slopeOf([0, 10, 20, 30, 40], [0, 0, 0, 30, 60])).toBe(2));
});

const message = (payload: string, more: Partial<Message> = {}): Message => ({
  payload, payload_encoding: "string", payload_bytes: payload.length, redelivered: false, exchange: "", routing_key: "q", properties: [], ...more,
});

describe("a body", () => {
  it("of base64 is its octets", () => expect([...octetsOf(message("AP8=", { payload_encoding: "base64" }))]).toEqual([0, 255]));
  it("that is no UTF-8 has no text", () => expect(textOfOctets(new Uint8Array([0xff, 0xfe]))).toBeUndefined());
  it("of JSON is set out", () => expect(prettyJson('{"a":1}')).toBe('{\n  "a": 1\n}'));
  it("of other text is not JSON", () => expect(prettyJson("hello")).toBeUndefined());
  it("is dumped in rows of 16", () => expect(hexDump(new TextEncoder().encode("0123456789abcdef!")).split("\n")).toHaveLength(2));
  it("that is packed is unpacked", async () => {
    const packed = new Uint8Array(await new Response(new Blob(["hare"]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer());
    expect(textOfOctets((await unpacked(packed, "gzip")) ?? new Uint8Array())).toBe("hare");
  });
  it("that only says it is packed stays as it is", async () => expect(await unpacked(new Uint8Array([1, 2]), "deflate")).toBeUndefined());
});

describe("deaths", () => {
  it("are told the first one first", () => {
    const died = message("", { properties: { headers: { "x-death": [{ reason: "expired", queue: "b", count: 2, time: 5 }, { reason: "rejected", queue: "a" }] } } });
    expect(deathsOf(died).map((death) => [death.reason, death.queue, death.count, death.at])).toEqual([["rejected", "a", 1, 0], ["expired", "b", 2, 5000]]);
  });
  it("that a client made up break nothing", () => expect(deathsOf(message("", { properties: { headers: { "x-death": [1, null, "x"] } } }))).toEqual([]));
});
