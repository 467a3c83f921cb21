import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Checkbox } from "../components/Checkbox";
import type { Column, SortStep } from "./column";
import { classOf, TableHead } from "./TableHead";

interface Props<Row> {
  label: string;
  columns: readonly Column<Row>[];
  count: number;
  rowAt: (index: number) => Row | undefined;
  keyOf: (row: Row) => string;
  sort: readonly SortStep[];
  onSort?: (column: Column<Row>, isMore: boolean) => void;
  selected?: ReadonlySet<string>;
  onSelect?: (row: Row, isSelected: boolean) => void;
  selection?: { isAll: boolean; isSome: boolean; onAll: (isAll: boolean) => void } | undefined;
  /** The row under the keyboard's cursor; -1 is none. */
  cursor?: number;
  onOpen?: (row: Row) => void;
  onSight?: (first: number, last: number) => void;
  onPointer?: (isInside: boolean) => void;
  /** In place of rows where there are none. */
  empty?: ComponentChildren;
  isRoomy?: boolean;
}

const OVERSCAN_ROWS = 12;
const WINDOW_FROM_ROWS = 80;

/** A table whose rows exist only where they are seen. All rows have one height. */
export function DataTable<Row>(props: Props<Row>) {
  const { columns, count, rowAt, keyOf, cursor = -1 } = props;
  const scroll = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState({ first: 0, last: WINDOW_FROM_ROWS, height: 28 });
  const isWindow = count > WINDOW_FROM_ROWS;
  const measure = (): void => {
    const frame = scroll.current;
    if (frame === null) return;
    const height = frame.querySelector("tbody tr[data-row]")?.getBoundingClientRect().height || 28;
    const first = Math.max(0, Math.floor(frame.scrollTop / height) - OVERSCAN_ROWS);
    const last = Math.ceil((frame.scrollTop + frame.clientHeight) / height) + OVERSCAN_ROWS;
    setSight((before) => (before.first === first && before.last === last && before.height === height ? before : { first, last, height }));
  };
  useEffect(measure, [count, columns.length]);
  useEffect(() => {
    const frame = scroll.current;
    if (frame === null) return undefined;
    const sizes = new ResizeObserver(measure);
    sizes.observe(frame);
    return () => sizes.disconnect();
  }, []);
  const first = isWindow ? Math.min(sight.first, count) : 0;
  const last = isWindow ? Math.min(sight.last, count) : count;
  useEffect(() => props.onSight?.(first, Math.max(first, last - 1)), [first, last]);
  useEffect(() => keepInSight(scroll.current, cursor, sight.height), [cursor]);
  return (
    <div
      class="scroll"
      ref={scroll}
      tabIndex={0}
      role="region"
      aria-label={props.label}
      onScroll={isWindow ? measure : undefined}
      onPointerEnter={() => props.onPointer?.(true)}
      onPointerLeave={() => props.onPointer?.(false)}
    >
      <table class={props.isRoomy ? "table roomy" : "table"} aria-rowcount={count + 1}>
        <TableHead columns={columns} sort={props.sort} onSort={props.onSort} selection={props.selection} />
        <tbody>
          {first > 0 && <Spacer rows={first} height={sight.height} />}
          {Array.from({ length: Math.max(0, last - first) }, (_, offset) => {
            const index = first + offset;
            const row = rowAt(index);
            if (row === undefined) return <BoneRow key={`bone ${index}`} columns={columns} hasBox={props.selection !== undefined} />;
            const key = keyOf(row);
            return (
              <tr
                key={key}
                data-row={index}
                aria-rowindex={index + 2}
                aria-selected={props.selected?.has(key) ? true : undefined}
                class={index === cursor ? "cursor" : undefined}
                onClick={props.onOpen && ((event) => !isOnControl(event) && props.onOpen?.(row))}
              >
                {props.selection && (
                  <td class="hide-s">
                    <Checkbox
                      label={key}
                      checked={props.selected?.has(key) ?? false}
                      onChange={(isSelected) => props.onSelect?.(row, isSelected)}
                    />
                  </td>
                )}
                {columns.map((column) => (
                  <td key={column.id} title={longText(column.value(row))} class={[classOf(column), column.look?.(row)].filter(Boolean).join(" ") || undefined}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            );
          })}
          {last < count && <Spacer rows={count - last} height={sight.height} />}
        </tbody>
      </table>
      {count === 0 && props.empty}
    </div>
  );
}

/** So long a text may be cut in its cell. */
const WHOLE_LETTERS_MAX = 30;

/** What a tooltip says where a cell may cut it. */
function longText(value: unknown): string | undefined {
  return typeof value === "string" && value.length > WHOLE_LETTERS_MAX ? value.slice(0, 1000) : undefined;
}

/** Room for rows that are not drawn. */
function Spacer({ rows, height }: { rows: number; height: number }) {
  return (
    <tr aria-hidden="true" class="spacer">
      <td ref={(cell) => cell?.style.setProperty("height", `${rows * height}px`)} />
    </tr>
  );
}

/** A row that is on its way. */
function BoneRow<Row>({ columns, hasBox }: { columns: readonly Column<Row>[]; hasBox: boolean }) {
  return (
    <tr data-row>
      {hasBox && <td class="hide-s" />}
      {columns.map((column) => (
        <td key={column.id} class={classOf(column)}><span class={column.isFluid ? "bone w4" : "bone w1"} /></td>
      ))}
    </tr>
  );
}

function isOnControl(event: MouseEvent): boolean {
  return event.target instanceof Element && event.target.closest("a, button, input, label") !== null;
}

function keepInSight(frame: HTMLElement | null, cursor: number, height: number): void {
  if (frame === null || cursor < 0) return;
  const head = 30;
  const top = cursor * height;
  if (top < frame.scrollTop) frame.scrollTop = top;
  else if (top + height + head > frame.scrollTop + frame.clientHeight) {
    frame.scrollTop = top + height + head - frame.clientHeight;
  }
}
