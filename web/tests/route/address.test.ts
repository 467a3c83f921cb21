import { describe, expect, it } from "vitest";
import { formatAddress, parseAddress } from "../../src/route/address";
import { addressOf } from "../../src/api/http";

describe("an address", () => {
  it.each([
    { segments: ["queues", "/", "a/b?c#d%2F"], query: { tab: "messages" } },
    { segments: ["queues", "/", "🐇 +&"], query: {} },
    { segments: [], query: { show: "attention" } },
  ])("is read as it was written: $segments", (address) =>
    expect(parseAddress(formatAddress(address.segments, address.query))).toEqual(address),
  );

  it("of RabbitMQ's UI leads to the same queue", () =>
    expect(parseAddress("#/queues/%2F/orders").segments).toEqual(["queues", "/", "orders"]));

  it("with a broken escape is taken as it is", () => expect(parseAddress("#/queues/%zz").segments).toEqual(["queues", "%zz"]));

  it("leaves out what is empty", () => expect(formatAddress(["queues"], { filter: "", sort: undefined })).toBe("#/queues"));
});

describe("the address of a route", () => {
  it("escapes what a name may hold", () =>
    expect(addressOf(["queues", "/", "a/../b?x"], { page: 1, name: undefined })).toBe("api/queues/%2F/a%2F..%2Fb%3Fx?page=1"));
});
