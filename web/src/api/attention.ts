/** What needs a hand, as the broker computed it (`GET attention`, HareMQ's own). */
export interface Attention {
  severity: "bad" | "warn";
  /** What it is about: `queue`, `exchange`, `connection`, `vhost`, `node`. */
  kind: string;
  vhost?: string;
  name: string;
  /** A word for what is wrong, such as `no_consumer`. */
  rule?: string;
  /** What is wrong, without the name in front. */
  text: string;
  /** The number that makes it a problem, such as `344,288 ready`. */
  amount?: string;
  /** Since when, in milliseconds since 1970. */
  since?: number;
}
