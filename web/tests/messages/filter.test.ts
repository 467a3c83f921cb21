import { describe, expect, it } from "vitest";
import { messageFilterOf } from "../../src/pages/messages/messageFilter";

describe("a filter of messages", () => {
  it("has names, a pattern and words", () =>
    expect(messageFilterOf("key:order.paid exchange:orders header:x-tenant=a=b /to+tal/ two words")).toEqual({
      routing_key: "order.paid",
      exchange: "orders",
      headers: { "x-tenant": "a=b" },
      regexp: "to+tal",
      text: "two words",
    }));
  it("of nothing is none", () => expect(messageFilterOf("  ")).toBeUndefined());
  it("takes a header without a value as words", () => expect(messageFilterOf("header:x")).toEqual({ text: "header:x" }));
});
