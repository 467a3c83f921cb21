import { describe, expect, it } from "vitest";
import { readCbor } from "../../src/pages/messages/decoders/cbor";
import { decoded } from "../../src/pages/messages/decoders/decoding";
import { readMsgpack } from "../../src/pages/messages/decoders/msgpack";
import { NotDecodable, shownValue } from "../../src/pages/messages/decoders/reader";

function octets(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

const shownMsgpack = (hex: string): unknown => JSON.parse(shownValue(readMsgpack(octets(hex))));
const shownCbor = (hex: string): unknown => JSON.parse(shownValue(readCbor(octets(hex))));

describe("MessagePack", () => {
  it("has maps, lists, texts and numbers", () =>
    expect(shownMsgpack("83a26964cd0539a474616773920193a161c3c0a3747470cb4000000000000000")).toEqual({
      id: 1337,
      tags: [1, ["a", true, null]],
      ttp: 2,
    }));
  it("has negative numbers and long ones with all digits", () => {
    expect(readMsgpack(octets("e0"))).toBe(-32);
    expect(readMsgpack(octets("d1ff00"))).toBe(-256);
    expect(shownValue(readMsgpack(octets("cfffffffffffffffff")))).toBe("18446744073709551615");
  });
  it("has times and octets", () => {
    expect(readMsgpack(octets("d6ff65000000"))).toBe("2023-09-12T06:06:56.000Z");
    expect(shownValue(readMsgpack(octets("c403010203")))).toBe('"hex 010203"');
  });
  it.each(["", "92", "dbffffffff", "dfffffffff", "c1", "0101", `${"91".repeat(200)}01`])("refuses %s", (hex) =>
    expect(() => readMsgpack(octets(hex))).toThrow(NotDecodable));
});

describe("CBOR", () => {
  it("has the examples of its standard", () => {
    expect(shownCbor("a26161016162820203")).toEqual({ a: 1, b: [2, 3] });
    expect(shownCbor("bf61610161629f0203ffff")).toEqual({ a: 1, b: [2, 3] });
    expect(readCbor(octets("3903e7"))).toBe(-1000);
    expect(readCbor(octets("f93e00"))).toBe(1.5);
    expect(readCbor(octets("7f657374726561646d696e67ff"))).toBe("streaming");
    expect(readCbor(octets("c11a514b67b0"))).toBe("2013-03-21T20:04:00.000Z");
    expect(shownValue(readCbor(octets("3bffffffffffffffff")))).toBe("-18446744073709551616");
  });
  it.each(["", "82", "5b7fffffffffffffff", "9bffffffffffffffff", "1c", "9f", `${"81".repeat(200)}01`])("refuses %s", (hex) =>
    expect(() => readCbor(octets(hex))).toThrow(NotDecodable));
});

describe("a body", () => {
  it("is read as its content type says", () =>
    expect(decoded(octets("a16161f5"), "application/cbor", false)?.title).toBe("CBOR"));
  it("is tried where it is no text", () =>
    expect(decoded(octets("81a161c3"), undefined, false)).toEqual({ title: "MessagePack", text: '{\n  "a": true\n}' }));
  it("that is text stays text", () => expect(decoded(octets("7b7d"), undefined, true)).toBeUndefined());
  it("that is a number by chance is none", () => expect(decoded(octets("ff"), undefined, false)).toBeUndefined());
});
