import { describe, expect, it } from "vitest";
import { formOf, membersOf, policiesOf, policyFor, upstreamsOf, valueOf, type Upstream, type UpstreamSet } from "../../src/pages/federation/upstream";

const upstream = (name: string, value: Record<string, unknown> = { uri: "amqp://east" }): Upstream => ({ component: "federation-upstream", vhost: "shop", name, value });
const SETS: UpstreamSet[] = [{ component: "federation-upstream-set", vhost: "shop", name: "coasts", value: [{ upstream: "east" }, { upstream: "west", exchange: "x" }] }];
const policy = (name: string, definition: Record<string, unknown>, vhost = "shop") => ({ vhost, name, pattern: "^x", "apply-to": "exchanges", priority: 0, definition });

describe("an upstream in the form", () => {
  it("comes back as it was", () => {
    const value = { uri: ["amqp://a", "amqp://b"], "ack-mode": "on-publish", "max-hops": 2, "trust-user-id": true, queue: "q" };
    expect(valueOf(formOf(upstream("east", value), "/"), value)).toEqual(value);
  });
  it("shows no password, and keeps those that stay", () => {
    const value = { uri: ["amqp://a:secret@b", "amqp://a:other@b"], "ack-mode": "on-confirm" };
    const form = formOf(upstream("east", value), "/");
    expect(form.uris).toBe("amqp://a:•••@b\namqp://a:•••@b");
    expect(valueOf(form, value)).toEqual(value);
  });
  it("keeps what the form does not know", () => expect(valueOf(formOf(upstream("east", { uri: "amqp://a", "resource-cleanup-mode": "never" }), "/"), { "resource-cleanup-mode": "never" })).toMatchObject({ "resource-cleanup-mode": "never" }));
  it("has one address as text, and several as a list", () => {
    expect(valueOf({ ...formOf(null, "/"), uris: " amqp://a \n" }).uri).toBe("amqp://a");
    expect(valueOf({ ...formOf(null, "/"), uris: "amqp://a\n\namqp://b" }).uri).toEqual(["amqp://a", "amqp://b"]);
  });
  it("writes numbers as numbers and leaves out what is empty", () => {
    const value = valueOf({ ...formOf(null, "/"), uris: "amqp://a", fields: { "prefetch-count": "50", queue: "7", exchange: " " } });
    expect(value).toEqual({ uri: "amqp://a", "ack-mode": "on-confirm", "prefetch-count": 50, queue: "7" });
  });
});

describe("a policy", () => {
  const known = [upstream("east"), upstream("west"), { ...upstream("far"), vhost: "other" }];
  it.each([
    [{ "federation-upstream": "east" }, ["east"]],
    [{ "federation-upstream-set": "coasts" }, ["east", "west"]],
    [{ "federation-upstream-set": "all" }, ["east", "west"]],
    [{ "federation-upstream-set": "none" }, []],
    [{ "max-length": 5 }, []],
  ])("with %j uses %j", (definition, names) => expect(upstreamsOf(definition, SETS, known, "shop")).toEqual(names));
  it("of another virtual host uses nothing here", () => {
    const policies = [policy("a", { "federation-upstream": "east" }), policy("b", { "federation-upstream": "east" }, "other"), policy("c", { "federation-upstream-set": "all" })];
    expect(policiesOf(known[0] as Upstream, policies, SETS, known).map((one) => one.name)).toEqual(["a", "c"]);
  });
  it("for an upstream names it", () => expect(policyFor(known[0] as Upstream, "^x", "queues", 3)).toMatchObject({ name: "federate-east", vhost: "shop", priority: 3, "apply-to": "queues", definition: { "federation-upstream": "east" } }));
});

describe("the members of a set", () => {
  it("that stay keep what they override", () => expect(membersOf("west\nsouth\n", SETS[0]?.value)).toEqual([{ upstream: "west", exchange: "x" }, { upstream: "south" }]));
  it("are none where nothing is written", () => expect(membersOf(" \n")).toEqual([]));
});
