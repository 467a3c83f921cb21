import type { Message, Table } from "../../api/types";

/** The octets of a payload. */
export function octetsOf(message: Message): Uint8Array {
  if (message.payload_encoding === "string") return new TextEncoder().encode(message.payload);
  const text = atob(message.payload);
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

const EXCERPT_LETTERS = 240;

/** The beginning of a body in one line; what is no text is told by its kind. */
export function excerptOf(message: Message): string {
  if (message.payload_encoding === "string") return message.payload.slice(0, EXCERPT_LETTERS).replace(/\s+/g, " ");
  const { content_encoding: encoding, content_type: type } = propertiesOf(message);
  const kind = [encoding, type].filter((word) => typeof word === "string").join(", ");
  return `(${kind || "octets"})`;
}

/** The properties that are set; none may come as an empty list. */
export function propertiesOf(message: Message): Table {
  return Array.isArray(message.properties) ? {} : message.properties;
}

export function headersOf(message: Message): Table {
  const { headers } = propertiesOf(message);
  return typeof headers === "object" && headers !== null && !Array.isArray(headers) ? (headers as Table) : {};
}

/** How many octets come unpacked at most: a small body must not fill the memory of a browser. */
const UNPACKED_MAX = 4_000_000;

/** What packs, and how it begins; a browser that does not know it shows the octets. */
const PACKERS: readonly { format: string; names: RegExp; begins: readonly number[] }[] = [
  { format: "gzip", names: /^(x-)?gzip$/, begins: [0x1f, 0x8b] },
  { format: "deflate", names: /^(deflate|zlib|application\/x-deflate)$/, begins: [0x78] },
  { format: "zstd", names: /^zstd$/, begins: [0x28, 0xb5, 0x2f, 0xfd] },
  { format: "brotli", names: /^br(otli)?$/, begins: [] },
];

/** Unpack what the encoding or the first octets say is packed; undefined is not packed. */
export async function unpacked(octets: Uint8Array, encoding: unknown): Promise<Uint8Array | undefined> {
  const format = formatOf(octets, encoding);
  if (format === undefined) return undefined;
  try {
    const packed = new Blob([octets as BlobPart]).stream().pipeThrough(new DecompressionStream(format as CompressionFormat));
    return await readUpTo(packed, UNPACKED_MAX);
  } catch {
    return undefined;
  }
}

function formatOf(octets: Uint8Array, encoding: unknown): string | undefined {
  const named = PACKERS.find((packer) => typeof encoding === "string" && packer.names.test(encoding));
  if (named !== undefined) return named.format;
  // Text begins with an x too, but not one that is followed by these.
  if (octets[0] === 0x78 && ![0x01, 0x9c, 0xda].includes(octets[1] ?? 0)) return undefined;
  return PACKERS.find((packer) => packer.begins.length > 0 && packer.begins.every((octet, at) => octets[at] === octet))?.format;
}

async function readUpTo(stream: ReadableStream<Uint8Array>, most: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await nextOf(reader, pieces.length > 0);
    if (done) break;
    pieces.push(value);
    size += value.length;
    if (size >= most) {
      await reader.cancel();
      break;
    }
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** The next piece. A body that was cut ends with an error: then what came before it is all there is. */
async function nextOf(reader: ReadableStreamDefaultReader<Uint8Array>, hasSome: boolean): Promise<ReadableStreamReadResult<Uint8Array>> {
  try {
    return await reader.read();
  } catch (error) {
    if (!hasSome) throw error;
    return { done: true, value: undefined };
  }
}

/** Octets as UTF-8; undefined is not UTF-8. */
export function textOfOctets(octets: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(octets);
  } catch {
    return undefined;
  }
}

/** Octets as a dump of 16 in a line: place, octets, letters. */
export function hexDump(octets: Uint8Array, most = 4096): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(octets.length, most); at += 16) {
    const row = [...octets.slice(at, at + 16)];
    const hex = row.map((octet) => octet.toString(16).padStart(2, "0")).join(" ").padEnd(47);
    const letters = row.map((octet) => (octet >= 32 && octet < 127 ? String.fromCharCode(octet) : "·")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${hex}  ${letters}`);
  }
  if (octets.length > most) lines.push(`… ${octets.length - most} octets more`);
  return lines.join("\n");
}
