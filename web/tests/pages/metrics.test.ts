import { describe, expect, it } from "vitest";
import type { Listener } from "../../src/api/types";
import { endpointsOf, scrapeConfig } from "../../src/pages/metrics/scraping";

const listener = (ip_address: string, port = 15692, more: Partial<Listener> = {}): Listener => ({ node: "rabbit@hare-1", protocol: "http/prometheus", ip_address, port, ...more });

describe("the endpoints of metrics", () => {
  it("are the listeners that serve them", () => expect(endpointsOf([listener("10.0.0.5"), { ...listener("10.0.0.5", 5672), protocol: "amqp" }], "broker").map((one) => one.target)).toEqual(["10.0.0.5:15692"]));
  it.each(["0.0.0.0", "::"])("on all addresses (%s) have the name that the browser uses", (address) => expect(endpointsOf([listener(address)], "broker")[0]).toMatchObject({ target: "broker:15692", isLocal: false }));
  it.each(["127.0.0.1", "::1"])("on %s serve this host alone", (address) => expect(endpointsOf([listener(address)], "broker")[0]?.isLocal).toBe(true));
  it("write an address of IPv6 in brackets", () => expect(endpointsOf([listener("fd00::5")], "broker")[0]?.target).toBe("[fd00::5]:15692"));
  it("are none where nothing serves them", () => expect(endpointsOf([], "broker")).toEqual([]));
});

describe("the configuration", () => {
  it("names each target in quotes", () => expect(scrapeConfig(endpointsOf([listener("a"), listener("b")], ""), 'my "shop"')).toContain('- targets: ["a:15692", "b:15692"]\n        labels: {cluster: "my \\"shop\\""}'));
  it("says https where it is", () => expect(scrapeConfig(endpointsOf([listener("a", 1, { tls: true })], ""), "c")).toContain("scheme: https"));
});
