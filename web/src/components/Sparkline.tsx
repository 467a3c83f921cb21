import { sparkPath } from "./sparkPath";

interface Props {
  /** Oldest first; fewer than two draw nothing but the line of rest. */
  values: readonly number[];
  measure: "publish" | "deliver" | "ack" | "ready" | "unacked" | "redeliver" | "bytes" | "lag" | "none";
  width?: number;
  height?: number;
  /** A dot on the newest. */
  end?: boolean;
}

/** Ten minutes at a glance: no axis, a flat line where nothing moves. */
export function Sparkline({ values, measure, width = 88, height = 18, end }: Props) {
  const path = sparkPath(values, width, height);
  const look = path.isFlat ? "flat" : measure === "none" ? "dim" : `c-${measure}`;
  return (
    <svg class={`spark ${look}`} width={width} height={height} aria-hidden="true">
      {!path.isFlat && <path class="ar" d={`${path.line}V${height}H0z`} />}
      <path class="ln" d={path.line} />
      {end && !path.isFlat && <circle class="end" cx={width} cy={path.lastY} r="1.8" />}
    </svg>
  );
}
