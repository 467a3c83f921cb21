import { readCbor } from "./cbor";
import { readMsgpack } from "./msgpack";
import { NotDecodable, shownValue } from "./reader";

/** A packed body as text, and what it was packed as. */
export interface Decoded {
  title: "MessagePack" | "CBOR";
  text: string;
}

const BY_TYPE = [
  { pattern: /m(essage)?-?pack/i, title: "MessagePack", read: readMsgpack },
  { pattern: /cbor/i, title: "CBOR", read: readCbor },
] as const;

/**
 * Read a body that is MessagePack or CBOR: what its content type says, else what fits. A single number
 * or text fits almost anything, so that only lists and maps count without a content type.
 */
export function decoded(octets: Uint8Array, contentType: unknown, isText: boolean): Decoded | undefined {
  const named = BY_TYPE.filter((one) => typeof contentType === "string" && one.pattern.test(contentType));
  if (named.length === 0 && isText) return undefined;
  for (const { title, read } of named.length > 0 ? named : BY_TYPE) {
    try {
      const value = read(octets);
      if (named.length > 0 || Array.isArray(value) || value instanceof Map) return { title, text: shownValue(value) };
    } catch (error) {
      if (!(error instanceof NotDecodable)) throw error;
    }
  }
  return undefined;
}
