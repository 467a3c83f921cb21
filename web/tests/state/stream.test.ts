import { describe, expect, it } from "vitest";
import { readerOf } from "../../src/pages/stream/readers";
import { joinedSegments, joinedWith, segmentsOf, type Segment } from "../../src/pages/stream/segments";

const segment = (first: number, last: number): Segment => ({ first_offset: first, last_offset: last, bytes: 10 });

describe("the segments of a stream", () => {
  it("are those that hold something, with the times that are known", () => {
    const told = { first_offset: 0, next: null, segments: [
      { first_offset: 0, next_offset: 5, size_bytes: 80, first_timestamp: 7, last_timestamp: 9 },
      { first_offset: 5, next_offset: 5, size_bytes: 0, first_timestamp: null, last_timestamp: null },
    ] };
    expect(segmentsOf(told)).toEqual([{ first_offset: 0, last_offset: 4, bytes: 80, first_timestamp: 7, last_timestamp: 9 }]);
  });
  it("are brought up to date from the last known one on", () => {
    const known = [segment(0, 9), segment(10, 19), segment(20, 21)];
    expect(joinedWith(known, 10, [segment(20, 29), segment(30, 31)])).toEqual([segment(10, 19), segment(20, 29), segment(30, 31)]);
  });
  it("are all gone where the stream was made anew", () => expect(joinedWith([segment(0, 9), segment(10, 19)], 0, [segment(0, 3)])).toEqual([segment(0, 3)]));
  it("are joined where they are many", () => expect(joinedSegments([segment(0, 1), segment(2, 3), segment(4, 5)], 2).map((one) => one.last_offset)).toEqual([3, 5]));
});

describe("a reader of a stream", () => {
  const told = { name: "etl", protocol: "AMQP 0-9-1", consumer_tag: "etl", channel_number: 1, offset: 4, offset_lag: 2, activity_status: "up", connection_details: { name: "1.2.3.4:5 -> x", user: "guest" } };
  it("over AMQP has the name of its client", () => expect(readerOf(told, new Map([["1.2.3.4:5 -> x", "loader"]]))).toMatchObject({ name: "loader", protocol: "AMQP", offset: 4, lag: 2 }));
  it("that waits for its turn has no place", () => {
    const waits = readerOf({ ...told, protocol: "stream", offset: null, offset_lag: null, activity_status: "waiting" }, new Map());
    expect(waits).toMatchObject({ name: "etl", protocol: "stream", state: "waiting", offset: undefined, lag: undefined });
  });
});
