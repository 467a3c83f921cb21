import { axisCount, wholeCount } from "../../format/count";
import { barsOf, marksOf, summaryOf, type LoopLag } from "./loopLag";

const HEIGHT = 120;
const WIDTH = 44;
const FOOT = 2;

/** The classes of lag as bars; each line behind them is ten times the one below. */
export function LagBars({ lag }: { lag: LoopLag }) {
  const bars = barsOf(lag);
  const y = (share: number): number => HEIGHT - share * (HEIGHT - 8);
  return (
    <div class="lag" role="img" aria-label={summaryOf(lag)}>
      <svg class="lag-axis" width="44" height={HEIGHT + FOOT} aria-hidden="true">
        {marksOf(lag).map((mark) => <text key={mark.count} x="36" y={y(mark.share) + 4} text-anchor="end">{axisCount(mark.count)}</text>)}
      </svg>
      <div class="lag-bars">
        {bars.map((bar) => (
          <div key={bar.title} class="lag-bar">
            <svg width="100%" height={HEIGHT + FOOT} viewBox={`0 0 ${WIDTH} ${HEIGHT + FOOT}`} preserveAspectRatio="none" aria-hidden="true">
              <title>{`${bar.range}: ${wholeCount(bar.count)}`}</title>
              {marksOf(lag).map((mark) => <path key={mark.count} class="grid" d={`M0 ${y(mark.share)}H${WIDTH}`} />)}
              <rect class="reach" width={WIDTH} height={HEIGHT} />
              {bar.count > 0 && <rect class={bar.isLong ? "bar long" : "bar"} x="4" width={WIDTH - 8} y={y(bar.share)} height={HEIGHT - y(bar.share)} />}
              <path class="base" d={`M0 ${HEIGHT}H${WIDTH}`} />
            </svg>
            <span class="lag-title">{bar.title}</span>
            <span class="lag-marks">{bar.marks.join(" ")}</span>
          </div>
        ))}
      </div>
      <span class="lag-unit">ms</span>
    </div>
  );
}
