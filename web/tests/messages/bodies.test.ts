import { describe, expect, it } from "vitest";
import type { Message } from "../../src/api/types";
import { prettyJson } from "../../src/format/prettyJson";
import { asCurl, asPython } from "../../src/pages/messages/asCode";
import { pickedOf, picksOf } from "../../src/pages/messages/pickedColumns";
import { unpacked } from "../../src/pages/messages/body";
import { taskOf } from "../../src/pages/messages/decoders/celery";
import { prettyXml } from "../../src/pages/messages/decoders/xml";

const message = (payload: string, properties: Message["properties"] = {}): Message => ({ payload, payload_encoding: "string", payload_bytes: payload.length, redelivered: false, exchange: "orders", routing_key: "it's", properties });

describe("JSON", () => {
  it("keeps the digits of long numbers and names that come twice", () => expect(prettyJson('{"a":12345678901234567890,"a":1.10}')).toBe('{\n  "a": 12345678901234567890,\n  "a": 1.10\n}'));
  it("keeps what is empty together, and signs in texts", () => expect(prettyJson('[{},[],"{,:}"," \\" "]')).toBe('[\n  {},\n  [],\n  "{,:}",\n  " \\" "\n]'));
  it("has letters in place of escapes", () => expect(prettyJson('"\\u00e9"')).toBe('"é"'));
  it("that is deep does not grow with the square of its depth", () => {
    const text = "[".repeat(5000) + "]".repeat(5000);
    expect(prettyJson(text)?.length).toBeLessThan(text.length * 100);
  });
});

describe("XML", () => {
  it("has each element on a line", () => expect(prettyXml('<?xml version="1.0"?><o a=">"><i>1</i><e/><!-- <x> --></o>')).toBe('<?xml version="1.0"?>\n<o a=">">\n  <i>1</i>\n  <e/>\n  <!-- <x> -->\n</o>'));
  it.each(["", "text", "<a>", "</a>", "<a <b>", '<a x="', "< a>", "<<<<"])("%s is none", (text) => expect(prettyXml(text)).toBeUndefined());
  it("of opened tags alone is left after one look", () => expect(prettyXml("<a ".repeat(50_000))).toBeUndefined());
});

describe("a task of Celery", () => {
  it("is in the headers", () => {
    const headers = { lang: "py", task: "shop.pay", id: "7", argsrepr: "(1,)", kwargsrepr: "{}", retries: 2, eta: null, origin: "gen1@web" };
    expect(taskOf(message("[[1],{},{}]", { headers }))).toEqual([
      { name: "task", value: "shop.pay" }, { name: "id", value: "7" }, { name: "arguments", value: "(1,)" },
      { name: "named arguments", value: "{}" }, { name: "retries", value: "2" }, { name: "sent by", value: "gen1@web" },
    ]);
  });
  it("is in the body of old ones", () => expect(taskOf(message('{"task":"shop.pay","id":"7","args":[1],"kwargs":{"a":2},"retries":0}'))).toContainEqual({ name: "named arguments", value: '{"a":2}' }));
  it.each(['{"task":"x"}', "no", '{"task":1,"id":"7","args":[]}', 'null "task"'])("is not %s", (payload) => expect(taskOf(message(payload))).toBeUndefined());
});

describe("a packed body", () => {
  const packed = async (format: CompressionFormat): Promise<Uint8Array> => new Uint8Array(await new Response(new Blob(["hello ".repeat(999)]).stream().pipeThrough(new CompressionStream(format))).arrayBuffer());
  const text = async (octets: Uint8Array, encoding?: string): Promise<string | undefined> => {
    const found = await unpacked(octets, encoding);
    return found && new TextDecoder().decode(found);
  };
  it("of zlib is known by how it begins", async () => expect(await text(await packed("deflate"))).toContain("hello"));
  it("of gzip is known by its encoding", async () => expect(await text(await packed("gzip"), "x-gzip")).toContain("hello"));
  it("that the browser cannot unpack stays", async () => expect(await text(new TextEncoder().encode("x"), "zstd")).toBeUndefined());
  it("that is text is not unpacked", async () => expect(await text(new TextEncoder().encode("x^2"))).toBeUndefined());
});

describe("a message to paste", () => {
  const one = message("it's\n$(rm)", { content_type: "text/plain", headers: { a: [true, null], "b'": 'x"' } });
  it("is quoted for a shell", () => {
    const text = asCurl(one, "/", "http://broker:15672/");
    expect(text).toContain("'http://broker:15672/api/exchanges/%2F/orders/publish'");
    expect(text).toContain("it'\\''s\\n$(rm)");
    expect(text.replaceAll("'\\''", "").split("'").length % 2).toBe(1);
  });
  it("is written for Python", () => {
    const text = asPython(one, "/", "broker");
    expect(text).toContain('properties=pika.BasicProperties(content_type="text/plain", headers={"a": [True, None], "b\'": "x\\""})');
    expect(text).toContain('body="it\'s\\n$(rm)".encode()');
  });
  it("of octets is written as base64", () => expect(asPython({ ...one, payload: "AAE=", payload_encoding: "base64" }, "/", "b")).toContain('base64.b64decode("AAE=")'));
  it("goes to the default exchange by its name in addresses", () => expect(asCurl({ ...one, exchange: "" }, "a/b", "http://b")).toContain("/a%2Fb/amq.default/publish"));
});

describe("a column of one's own", () => {
  const one = message('{"total":7,"tags":["a","b"]}', { headers: { "x-tenant": "kestrel" } });
  it.each<[string, unknown]>([["x-tenant", "kestrel"], ["$.total", 7], ["$.tags[*]", ["a", "b"]], ["$.none", undefined], ["$.[", undefined], ["constructor", undefined]])("%s is %j", (pick, value) => expect(pickedOf(one, pick)).toEqual(value));
  it("is one of at most six, each once", () => expect(picksOf("a\na\n\nb\nc\nd\ne\nf\ng")).toEqual(["a", "b", "c", "d", "e", "f"]));
  it("of a body that is no JSON is empty", () => expect(pickedOf(message("no"), "$.a")).toBeUndefined());
});
