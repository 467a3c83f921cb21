interface Props {
  /** From 0 to 1. */
  share: number;
  /** Where the broker acts, from 0 to 1. */
  limit?: number | undefined;
  look?: "ok" | "warn" | "bad" | "acc" | undefined;
  size?: "mini" | "big";
  /** What it measures; without it, the number beside it says all. */
  label?: string;
}

/** A bar with a tick where the broker acts. Its width is an attribute, never a style. */
export function Meter({ share, limit, look, size, label }: Props) {
  const percent = `${Math.round(Math.min(1, Math.max(0, share)) * 1000) / 10}%`;
  const named = label === undefined ? { "aria-hidden": true as const } : { role: "img" as const, "aria-label": `${label}, ${percent}` };
  return (
    <svg class={size ? `meter ${size}` : "meter"} {...named}>
      <rect class={look && `fill${look}`} width={percent} height="100%" />
      {limit !== undefined && <rect class="tick" x={`${limit * 100}%`} y="0" width="1" height="6" />}
    </svg>
  );
}
