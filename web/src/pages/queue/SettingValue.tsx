import { Figure } from "../../components/Figure";
import { age } from "../../format/age";
import { bytes } from "../../format/bytes";
import { count } from "../../format/count";
import { exchangeTitle } from "../../format/names";
import { places } from "../../route/places";

const SPANS = new Set(["message-ttl", "expires", "consumer-timeout"]);
const SIZES = new Set(["max-length-bytes", "stream-max-segment-size-bytes", "max-in-memory-bytes"]);

/** The value of a setting as one reads it: spans, sizes, counts, and exchanges as links. */
export function SettingValue({ name, value, vhost }: { name: string; value: unknown; vhost: string }) {
  if (typeof value === "number") {
    const parts = SPANS.has(name) ? age(value) : SIZES.has(name) ? bytes(value) : count(value);
    return <Figure parts={parts} title={String(value)} />;
  }
  if (name === "dead-letter-exchange" && typeof value === "string") return <a href={places.exchange(vhost, value)}>{exchangeTitle(value)}</a>;
  return <>{typeof value === "string" ? value : JSON.stringify(value)}</>;
}
