import { describe, expect, it } from "vitest";
import type { Cluster } from "../../src/api/cluster";
import type { Node } from "../../src/api/types";
import { markOf } from "../../src/components/states";
import { clusterTrouble, dangerWord, hasNumbers, replicaState, stateOf } from "../../src/pages/nodes/cluster";

const NONE = { mirrored: 5, offline: 0, held: 0, at_min_isr: 0, under_replicated: 0 };
const cluster = (part: Partial<Cluster> = {}): Cluster => ({ clustered: true, name: "c", node: "a", nodes: [], store_heard_ms: 200, queues: NONE, ...part });

describe("what is worst in a cluster", () => {
  it("is nothing where all is well", () => expect(clusterTrouble(cluster())).toBeNull());
  it("is a freeze before all else", () =>
    expect(clusterTrouble(cluster({ frozen: "it went back", store_heard_ms: null }))).toEqual({ look: "bad", text: "This node is frozen, because it went back." }));
  it("is a store that was never heard, or not for long", () => {
    expect(clusterTrouble(cluster({ store_heard_ms: null }))?.look).toBe("bad");
    expect(clusterTrouble(cluster({ store_heard_ms: 10_000 }))?.look).toBe("bad");
    expect(clusterTrouble(cluster({ store_heard_ms: 9_999 }))).toBeNull();
  });
  it("is the worst danger, with its number", () => {
    expect(clusterTrouble(cluster({ queues: { ...NONE, offline: 1, held: 2 } }))).toEqual({ look: "bad", text: "1 queue has no leader." });
    expect(clusterTrouble(cluster({ queues: { ...NONE, held: 2, under_replicated: 9 } }))?.text).toContain("2 queues hold their publishers");
    expect(clusterTrouble(cluster({ queues: { ...NONE, at_min_isr: 1, under_replicated: 1 } }))?.look).toBe("warn");
    expect(clusterTrouble(cluster({ queues: { ...NONE, under_replicated: 3 } }))?.text).toBe("3 queues have fewer mirrors in sync than they should.");
  });
});

describe("states", () => {
  it("of replicas", () => {
    expect(replicaState({ node: "a", in_sync: true, online: false, lag: null, other_disk: false, damaged: false })).toBe("down");
    expect(replicaState({ node: "a", in_sync: true, online: true, lag: 0, other_disk: false, damaged: false })).toBe("in sync");
    expect(replicaState({ node: "a", in_sync: false, online: true, lag: 7, other_disk: false, damaged: false })).toBe("catching up");
    expect(replicaState({ node: "a", in_sync: true, online: false, lag: null, other_disk: true, damaged: false })).toBe("on a new disk");
    expect(replicaState({ node: "a", in_sync: true, online: true, lag: 0, other_disk: false, damaged: true })).toBe("damaged");
  });
  it("of nodes", () => {
    expect(stateOf({ name: "a", type: "disc", running: false, cluster_state: "draining" })).toBe("down");
    expect(stateOf({ name: "a", type: "disc", running: true, cluster_state: "draining" })).toBe("draining");
    expect(stateOf({ name: "a", type: "disc", running: true })).toBe("running");
  });
  it("have a mark of their own", () => {
    for (const danger of ["offline", "held"] as const) expect(markOf(dangerWord(danger)).look).toBe("blocked");
    for (const danger of ["at_min_isr", "under_replicated"] as const) expect(markOf(dangerWord(danger)).look).toBe("warn");
    expect(markOf("draining").look).toBe("warn");
  });
});

describe("a node that is known in part", () => {
  it("has no numbers", () => {
    const node: Node = { name: "a", type: "disc", running: true };
    expect(hasNumbers(node)).toBe(true);
    expect(hasNumbers({ ...node, numbers_known: false })).toBe(false);
  });
});
