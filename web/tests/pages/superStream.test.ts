import { describe, expect, it } from "vitest";
import { groupSums, groupTitle, positionText, skewOf, totalOf, type Partition, type Position, type SuperStream } from "../../src/pages/superstreams/superStream";

const position = (group: string, lag: number, connection: string | null = "c"): Position => ({ group, stored_offset: null, next_offset: 3, lag, readers: connection === null ? 0 : 1, connection });
const partition = (name: string, messages: number, positions: Position[] = []): Partition => ({
  name, order: 0, routing_keys: ["0"], bindings_count: 1, leader: "n", state: "running", messages, first_offset: 0, next_offset: messages, size_bytes: 10, segments_count: 1, rate_in: 1, rate_out: 2, consumers: 1, positions,
});
const stream = (...partitions: Partition[]): SuperStream => ({ name: "s", vhost: "/", type: "direct", durable: true, groups: ["a", "b"], groups_left_out: 0, partitions });

describe("a super stream", () => {
  const found = stream(partition("s-0", 30, [position("a", 5), position("b", 7, null)]), partition("s-1", 0, [position("a", 2)]));
  it("sums up each group", () => expect(groupSums(found)).toEqual([{ group: "a", lag: 7, read: 2, known: 2 }, { group: "b", lag: 7, read: 0, known: 1 }]));
  it("sums up its partitions", () => expect([totalOf(found, "messages"), totalOf(found, "rate_out")]).toEqual([30, 4]));
  it("knows which partition is fuller than the others", () => expect(skewOf(found)).toEqual({ name: "s-0", times: 2 }));
  it("has no skew where it is empty, or has one partition", () => expect([skewOf(stream(partition("a", 0), partition("b", 0))), skewOf(stream(partition("a", 5)))]).toEqual([null, null]));
  it("says who reads", () => expect(positionText(position("a", 1))).toBe("no offset is stored; c reads 3 next"));
  it("says that nobody reads", () => expect(positionText({ ...position("a", 1, null), stored_offset: 9 })).toBe("stored offset 9; nobody reads"));
  it("says who waits", () => expect(positionText({ ...position("a", 1, null), readers: 2 })).toContain("waits for its turn"));
  it("names a group without a name", () => expect(groupTitle("")).toBe("without a name"));
});
