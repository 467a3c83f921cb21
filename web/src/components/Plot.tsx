import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useEffect, useRef } from "preact/hooks";
import type { Values } from "../api/series";
import { axisCount } from "../format/count";
import { axisMoment } from "../format/moment";
import { crosshair, zoom } from "../state/range";
import { useStore } from "../state/store";
import { theme } from "../state/theme";
import { axisMarks, axisTop, timeMarks } from "./axis";
import { dashOf, type Measure } from "./measures";

export interface Line {
  title: string;
  measure: Measure;
  values: Values;
}

interface Props {
  times: readonly number[];
  lines: readonly Line[];
  /** The range shown, in seconds since 1970. */
  from: number;
  to: number;
  height: number;
  /** Whether the values are whole things and not rates. */
  isWhole?: boolean;
  /** What the axis says; a count without it. */
  axisText?: (value: number) => string;
  /** Without times under it: the plot beneath has them. */
  noTimes?: boolean;
}

const AXIS_WIDTH = 50;
const TIMES_HEIGHT = 28;
const GROUP = "haremq";

/** One plot. All plots of a page share the crosshair and the zoom. */
export function Plot(props: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const chosen = useStore(theme);
  const kinds = props.lines.map((line) => line.measure).join();

  useEffect(() => {
    const place = frame.current;
    if (place === null) return undefined;
    const build = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsOf(latest, place), dataOf(latest.current), place);
    };
    build();
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const sizes = new ResizeObserver(() => plot.current?.setSize(sizeOf(place, latest.current)));
    sizes.observe(place);
    scheme.addEventListener("change", build);
    return () => {
      sizes.disconnect();
      scheme.removeEventListener("change", build);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [kinds, chosen, props.noTimes, props.height]);

  useEffect(() => plot.current?.setData(dataOf(props)), [props.times, props.lines, props.from, props.to]);

  return <div class="plot" ref={frame} />;
}

function dataOf(props: Props): uPlot.AlignedData {
  return [props.times as number[], ...props.lines.map((line) => line.values)];
}

function sizeOf(place: HTMLElement, props: Props): { width: number; height: number } {
  return { width: Math.max(120, place.clientWidth), height: props.height + (props.noTimes ? 14 : TIMES_HEIGHT) };
}

function optionsOf(latest: { current: Props }, place: HTMLElement): uPlot.Options {
  const first = latest.current;
  const axisColour = colourOf(place, "ax-text");
  const gridColour = colourOf(place, "ax-grid");
  const font = `11px ${getComputedStyle(place).fontFamily}`;
  const parts = first.height >= 130 ? 4 : first.height >= 80 ? 2 : 1;
  const topOf = (highest: number): number => axisTop(highest, parts, latest.current.isWhole ?? false);
  return {
    ...sizeOf(place, first),
    padding: [7, 30, first.noTimes ? 7 : 0, 0],
    legend: { show: false },
    focus: { alpha: 1 },
    cursor: {
      y: false,
      sync: { key: GROUP, setSeries: false },
      drag: { x: true, y: false, setScale: false },
      points: { size: 8, width: 2, stroke: colourOf(place, "ax-ground") },
    },
    scales: {
      x: { range: () => [latest.current.from, latest.current.to] },
      y: { range: (_, __, highest) => [0, topOf(highest ?? 0)] },
    },
    axes: [
      {
        show: !first.noTimes,
        stroke: axisColour,
        font,
        size: TIMES_HEIGHT,
        gap: 6,
        grid: { show: false },
        ticks: { show: false },
        splits: (u) => timeMarks(u.scales.x?.min ?? 0, u.scales.x?.max ?? 1, u.width > 460 ? 6 : 3),
        values: (u, marks) => marks.map((at) => axisMoment(at * 1000, (u.scales.x?.max ?? 0) - (u.scales.x?.min ?? 0) < 300)),
      },
      {
        stroke: axisColour,
        font,
        size: AXIS_WIDTH,
        gap: 8,
        grid: { stroke: gridColour, width: 1 },
        ticks: { show: false },
        splits: (u) => axisMarks(u.scales.y?.max ?? 1, parts),
        values: (_, marks) => marks.map(first.axisText ?? axisCount),
      },
    ],
    series: [
      {},
      ...first.lines.map((line, index): uPlot.Series => {
        const stroke = colourOf(place, `c-${line.measure}`);
        return {
          label: line.title,
          stroke,
          width: 1.5,
          dash: dashOf(line.measure),
          points: { show: false },
          ...(index === 0 ? { fill: withAlpha(stroke, 0.1) } : {}),
        };
      }),
    ],
    hooks: {
      setCursor: [(u) => crosshair.set(momentUnder(u))],
      setSelect: [selectZoom],
      ready: [(u) => u.over.addEventListener("dblclick", () => zoom.set(null))],
    },
  };
}

function momentUnder(u: uPlot): number | null {
  const left = u.cursor.left ?? -1;
  if (left < 0) return null;
  return u.posToVal(left, "x") * 1000;
}

function selectZoom(u: uPlot): void {
  if (u.select.width < 4) return;
  const from = u.posToVal(u.select.left, "x");
  const to = u.posToVal(u.select.left + u.select.width, "x");
  u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  zoom.set({ from, to });
}

/** The colour that a class gives in the theme of now: a canvas knows no custom properties. */
function colourOf(place: HTMLElement, name: string): string {
  const probe = document.createElement("span");
  probe.className = name;
  place.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function withAlpha(colour: string, alpha: number): string {
  const [red, green, blue] = colour.match(/[\d.]+/g) ?? ["0", "0", "0"];
  return `rgba(${red}, ${green}, ${blue}, ${alpha})`;
}
