import { describe, expect, it } from "vitest";
import type { Attention } from "../../src/api/attention";
import { placeOf } from "../../src/pages/overview/attentionPlace";

const entry = (kind: string, name: string, rule?: string): Attention => ({ severity: "warn", kind, name, text: "", vhost: "shop", ...(rule === undefined ? {} : { rule }) });

describe("what needs a hand", () => {
  it.each([
    [entry("vhost", "shop", "near_max-queues"), "#/vhosts?open=shop"],
    [entry("queue", "q", "no_acks"), "#/queues/shop/q?tab=consumers"],
    [entry("queue", "q", "full_drops"), "#/queues/shop/q?tab=settings"],
    [entry("queue", "q", "a_new_rule"), "#/queues/shop/q"],
    [entry("queue", "q"), "#/queues/shop/q"],
    [entry("exchange", "x", "unroutable"), "#/exchanges/shop/x?tab=bindings"],
    [entry("node", "a@b", "refused_logins"), "#/logs"],
    [entry("node", "a@b", "near_disk"), "#/nodes?open=a%40b"],
  ])("%j is seen at %s", (attention, address) => expect(placeOf(attention)).toBe(address));
});
