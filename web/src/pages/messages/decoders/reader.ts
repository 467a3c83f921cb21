/** What is read is not what it claims to be. */
export class NotDecodable extends Error {}

const DEPTH_MAX = 64;
const VALUES_MAX = 100_000;

/** Octets, read one after the other; nothing is read behind the end, and nothing without end. */
export class Reader {
  private at = 0;
  private depth = 0;
  private values = 0;
  private readonly view: DataView;

  constructor(private readonly octets: Uint8Array) {
    this.view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  }

  get isAtEnd(): boolean {
    return this.at === this.octets.length;
  }

  /** Take so many octets. */
  take(count: number): Uint8Array {
    if (count > this.octets.length - this.at) throw new NotDecodable("it ends too early");
    this.at += count;
    return this.octets.subarray(this.at - count, this.at);
  }

  octet(): number {
    return this.take(1)[0] as number;
  }

  /** The next octet, which stays. */
  look(): number | undefined {
    return this.octets[this.at];
  }

  /** An unsigned number of 1, 2, 4 or 8 octets; one that is too large for a number is a BigInt. */
  unsigned(size: number): number | bigint {
    const at = this.at;
    this.take(size);
    if (size === 1) return this.view.getUint8(at);
    if (size === 2) return this.view.getUint16(at);
    if (size === 4) return this.view.getUint32(at);
    return narrowed(this.view.getBigUint64(at));
  }

  signed(size: number): number | bigint {
    const at = this.at;
    this.take(size);
    if (size === 1) return this.view.getInt8(at);
    if (size === 2) return this.view.getInt16(at);
    if (size === 4) return this.view.getInt32(at);
    return narrowed(this.view.getBigInt64(at));
  }

  float(size: number): number {
    const at = this.at;
    this.take(size);
    return size === 4 ? this.view.getFloat32(at) : this.view.getFloat64(at);
  }

  text(count: number): string {
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(this.take(count));
    } catch (error) {
      throw error instanceof NotDecodable ? error : new NotDecodable("a text is not UTF-8");
    }
  }

  /** Read something that holds others: neither too deep nor too much of it. */
  inside<T>(read: () => T): T {
    this.depth += 1;
    this.values += 1;
    if (this.depth > DEPTH_MAX || this.values > VALUES_MAX) throw new NotDecodable("it is too deep or too long");
    const value = read();
    this.depth -= 1;
    return value;
  }

  /** Read so many values. */
  list(count: number, read: () => unknown): unknown[] {
    if (count > this.octets.length - this.at) throw new NotDecodable("it ends too early");
    return Array.from({ length: count }, read);
  }

  /** Read so many pairs; keys that are no texts are written as such. */
  map(count: number, read: () => unknown): Map<string, unknown> {
    if (count > this.octets.length - this.at) throw new NotDecodable("it ends too early");
    const map = new Map<string, unknown>();
    for (let index = 0; index < count; index += 1) map.set(keyText(read()), read());
    return map;
  }
}

export function keyText(key: unknown): string {
  return typeof key === "string" ? key : shownValue(key);
}

function narrowed(value: bigint): number | bigint {
  const isSafe = value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER);
  return isSafe ? Number(value) : value;
}

/** A count that was read; one beyond what can be held is none. */
export function countOf(value: number | bigint): number {
  if (typeof value === "bigint") throw new NotDecodable("it ends too early");
  return value;
}

/** Decoded values as JSON with two spaces: octets are told in hex, long numbers keep their digits. */
export function shownValue(value: unknown, indent = ""): string {
  const inner = `${indent}  `;
  if (value instanceof Uint8Array) return JSON.stringify(`hex ${hexOf(value)}`);
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    return `[\n${value.map((one) => inner + shownValue(one, inner)).join(",\n")}\n${indent}]`;
  }
  if (value instanceof Map) {
    if (value.size === 0) return "{}";
    const rows = [...value].map(([key, one]) => `${inner}${JSON.stringify(key)}: ${shownValue(one, inner)}`);
    return `{\n${rows.join(",\n")}\n${indent}}`;
  }
  return JSON.stringify(value) ?? "null";
}

function hexOf(octets: Uint8Array): string {
  return [...octets.subarray(0, 256)].map((octet) => octet.toString(16).padStart(2, "0")).join("") + (octets.length > 256 ? "…" : "");
}
