/** A piece of a stream's log on disk. */
export interface Segment {
  first_offset: number;
  /** The last offset in it. */
  last_offset: number;
  bytes: number;
  /** When its first message was written, in milliseconds since 1970. */
  first_timestamp?: number;
  last_timestamp?: number;
}

/** A part of the segments of a stream, as the broker tells it (HareMQ's own). */
export interface ToldSegments {
  /** Of all that is kept. */
  first_offset: number;
  segments: readonly {
    first_offset: number;
    next_offset: number;
    size_bytes: number;
    first_timestamp: number | null;
    last_timestamp: number | null;
  }[];
  /** The `offset` with which the next part is asked for; null is the end. */
  next: number | null;
}

/** The segments of an answer that hold anything. */
export function segmentsOf(told: ToldSegments): Segment[] {
  return told.segments.filter((one) => one.next_offset > one.first_offset).map((one) => ({
    first_offset: one.first_offset,
    last_offset: one.next_offset - 1,
    bytes: one.size_bytes,
    ...(one.first_timestamp === null ? {} : { first_timestamp: one.first_timestamp }),
    ...(one.last_timestamp === null ? {} : { last_timestamp: one.last_timestamp }),
  }));
}

/**
 * Segments that were known, with a part that was told now: it stands for all from its first offset on,
 * and what lies before `keptFrom` is gone.
 */
export function joinedWith(known: readonly Segment[], keptFrom: number, part: readonly Segment[]): Segment[] {
  const from = part[0]?.first_offset ?? Infinity;
  const before = known.filter((one) => one.first_offset < from && one.last_offset >= keptFrom);
  return [...before, ...part];
}

/** A bar of the ruler: where it stands in a width of 1, and how high it is. */
export interface Bar {
  x: number;
  width: number;
  height: number;
  isActive: boolean;
}

const BARS_MAX = 120;

/** The segments as bars, wide as the offsets they hold, high as their octets; many are joined. */
export function barsOf(segments: readonly Segment[]): Bar[] {
  const joined = joinedSegments(segments, BARS_MAX);
  const first = joined[0]?.first_offset ?? 0;
  const end = (joined.at(-1)?.last_offset ?? 0) + 1;
  const span = Math.max(1, end - first);
  const densest = Math.max(1, ...joined.map(density));
  return joined.map((segment, index) => ({
    x: (segment.first_offset - first) / span,
    width: Math.max(1, segment.last_offset + 1 - segment.first_offset) / span,
    height: 0.35 + 0.65 * (density(segment) / densest),
    isActive: index === joined.length - 1,
  }));
}

function density(segment: Segment): number {
  return segment.bytes / Math.max(1, segment.last_offset + 1 - segment.first_offset);
}

/** Neighbours are joined, until there are so many at most. */
export function joinedSegments(segments: readonly Segment[], most: number): Segment[] {
  const each = Math.ceil(segments.length / most);
  if (each <= 1) return [...segments];
  const groups = Array.from({ length: Math.ceil(segments.length / each) }, (_, index) => segments.slice(index * each, (index + 1) * each));
  return groups.map((group) => {
    const first = group[0] as Segment;
    const last = group.at(-1) as Segment;
    return {
      ...first,
      last_offset: last.last_offset,
      bytes: group.reduce((sum, one) => sum + one.bytes, 0),
      ...(last.last_timestamp === undefined ? {} : { last_timestamp: last.last_timestamp }),
    };
  });
}
