import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import { Bones } from "../components/Bones";
import { Button } from "../components/Button";
import { Empty } from "../components/Empty";
import { Failed } from "../components/Failed";
import { FilterField } from "../components/FilterField";
import type { IconName } from "../components/icons";
import { LiveMark } from "../components/LiveMark";
import { wholeCount } from "../format/count";
import { counted } from "../format/many";
import { parseFilter } from "../route/filter";
import { setQuery, useAddress } from "../route/router";
import { keptStore } from "../state/kept";
import { useKeys } from "../state/keys";
import { useStore, type Store } from "../state/store";
import { ColumnMenu } from "./ColumnMenu";
import type { Column, SortStep } from "./column";
import { DataTable } from "./DataTable";
import { ExportMenu } from "./ExportMenu";
import { useHeldOrder } from "./heldOrder";
import { formatSort, parseSort, pressedSort } from "./order";
import { columnsIn } from "./savedViews";
import { useRows, type Rows } from "./useRows";
import { ViewMenu } from "./ViewMenu";

interface Props<Row> {
  /** Names the list: its kept columns and its exports. */
  id: string;
  /** What its rows are called: "queues". */
  what: string;
  icon: IconName;
  route: readonly string[];
  fields?: string;
  columns: readonly Column<Row>[];
  sort: readonly SortStep[];
  nameOf: (row: Row) => string;
  /** Which rows of the route belong here; without it, all. */
  where?: (row: Row) => boolean;
  keyOf: (row: Row) => string;
  placeholder: string;
  onOpen?: (row: Row) => void;
  /** Where rows can be selected: the sum and the acts for them. */
  bulk?: (rows: readonly Row[], clear: () => void) => ComponentChildren;
  /** Between the filter and the buttons. */
  tools?: ComponentChildren;
  /** More in the line at the foot. */
  status?: (rows: Rows<Row>) => ComponentChildren;
  /** What to say where there is none at all, and the way on. */
  empty: { title: string; text: ComponentChildren; act?: ComponentChildren };
  /** Told of the rows at hand, for views with counts. */
  onRows?: (rows: Rows<Row>) => void;
  everyMs?: number;
  isRoomy?: boolean;
}

const shownStores = new Map<string, Store<readonly string[]>>();

/** Which columns of a list are shown. */
function shownColumns(id: string): Store<readonly string[]> {
  const known = shownStores.get(id);
  if (known !== undefined) return known;
  const store = keptStore<readonly string[]>(`columns.${id}`, [], (value): value is string[] =>
    Array.isArray(value) && value.every((word) => typeof word === "string"),
  );
  shownStores.set(id, store);
  return store;
}

/** A list: filter, columns, export, table, selection and a line at the foot. Its state is in the address. */
export function ListView<Row>(props: Props<Row>) {
  const { columns, keyOf } = props;
  const { query } = useAddress();
  const words = useMemo(() => columns.flatMap((column) => column.word ?? []), [columns]);
  const filter = parseFilter(query.filter ?? "", words);
  const sort = parseSort(query.sort, props.sort);
  const kept = shownColumns(props.id);
  const named = columnsIn(query.columns, columns.map((column) => column.id));
  const keptIds = useStore(kept);
  const shownIds = named ?? new Set(keptIds.length > 0 ? keptIds : defaults(columns));
  const visible = columns.filter((column) => column.isFluid || shownIds.has(column.id));
  const rows = useRows({ ...props, filter, sort });
  const [selected, setSelected] = useState<ReadonlyMap<string, Row>>(new Map());
  const [cursor, setCursor] = useState(-1);
  const [isHeld, setHeld] = useState(false);
  const rowAt = useSteadyRows(rows, keyOf, isHeld, `${query.filter} ${query.sort} ${props.route.join("/")}`);
  const shownRows = (): Row[] =>
    Array.from({ length: rows.count }, (_, index) => rowAt(index)).filter((row): row is Row => row !== undefined);
  const select = (row: Row, is: boolean): void => {
    const next = new Map(selected);
    if (is) next.set(keyOf(row), row);
    else next.delete(keyOf(row));
    setSelected(next);
  };
  const clear = (): void => setSelected(new Map());
  const here = rowAt(cursor);
  const move = (index: number): void => {
    setCursor(Math.max(0, Math.min(rows.count - 1, index)));
    // Enter is for the row from now on, not for the button that was pressed last.
    (document.activeElement as HTMLElement | null)?.blur();
  };
  useKeys({
    j: () => move(cursor + 1),
    k: () => move(cursor - 1),
    Enter: () => here !== undefined && props.onOpen?.(here),
    x: () => here !== undefined && props.bulk !== undefined && select(here, !selected.has(keyOf(here))),
    Escape: () => { clear(); setCursor(-1); },
  });
  props.onRows?.(rows);
  const isFiltered = filter.text !== "" || filter.typed.length > 0;
  const chosen = [...selected.values()];
  return (
    <>
      <div class="tools">
        <FilterField
          label={`Filter ${props.what}`}
          placeholder={props.placeholder}
          fields={words}
          filter={filter}
          onChange={(text) => setQuery({ filter: text })}
        />
        {props.tools}
        <span class="push" />
        <ColumnMenu
          columns={columns}
          shown={shownIds}
          onChange={(next) => (named === null ? kept.set([...next]) : setQuery({ columns: [...next].join(",") }))}
          onDefault={() => { kept.set([]); setQuery({ columns: undefined }); }}
        />
        <ViewMenu id={props.id} what={props.what} shown={{ filter: query.filter ?? "", sort: query.sort ?? "", columns: visible.map((column) => column.id).join(",") }} />
        <ExportMenu name={props.id} rows={shownRows} columns={visible} />
      </div>
      {rows.error !== undefined && rows.atHand.length === 0 ? (
        <div class="scroll"><Failed what={`The list of ${props.what}`} error={rows.error} /></div>
      ) : (
        <DataTable
          label={props.what}
          columns={visible}
          count={rows.count}
          rowAt={rowAt}
          keyOf={keyOf}
          sort={sort}
          onSort={(column, isMore) => setQuery({ sort: formatSort(pressedSort(sort, column, isMore)) })}
          selected={new Set(selected.keys())}
          onSelect={select}
          selection={
            props.bulk && {
              isAll: rows.count > 0 && selected.size >= rows.count,
              isSome: selected.size > 0,
              onAll: (isAll) => setSelected(new Map(isAll ? shownRows().map((row) => [keyOf(row), row]) : [])),
            }
          }
          cursor={cursor}
          {...(props.onOpen ? { onOpen: props.onOpen } : {})}
          onSight={rows.look}
          onPointer={setHeld}
          isRoomy={props.isRoomy ?? false}
          empty={
            rows.isLoading ? (
              <Bones rows={12} />
            ) : isFiltered ? (
              <Empty
                icon="filter"
                title={`None of ${counted(rows.total, props.what)} fits the filter`}
                act={<Button onPress={() => setQuery({ filter: "" })}>Clear the filter</Button>}
              />
            ) : (
              <Empty icon={props.icon} title={props.empty.title} act={props.empty.act}>{props.empty.text}</Empty>
            )
          }
        />
      )}
      {props.bulk && chosen.length > 0 && props.bulk(chosen, clear)}
      <div class="status">
        <span>{countText(rows, props.what)}</span>
        {props.status && <span class="hide-s">{props.status(rows)}</span>}
        <span class="push"><LiveMark /></span>
      </div>
    </>
  );
}

function defaults<Row>(columns: readonly Column<Row>[]): string[] {
  return columns.filter((column) => !column.isExtra).map((column) => column.id);
}

/** Rows whose order rests while the pointer is among them. */
function useSteadyRows<Row>(rows: Rows<Row>, keyOf: (row: Row) => string, isHeld: boolean, sign: string) {
  const all = rows.isWhole ? Array.from({ length: rows.count }, (_, index) => rows.rowAt(index) as Row) : [];
  const byKey = new Map(all.map((row) => [keyOf(row), row]));
  const order = useHeldOrder([...byKey.keys()], isHeld, sign);
  if (!rows.isWhole) return rows.rowAt;
  return (index: number): Row | undefined => byKey.get(order[index] ?? "");
}

function countText<Row>(rows: Rows<Row>, what: string): string {
  if (rows.isLoading) return "";
  if (rows.count === rows.total) return counted(rows.total, what);
  return `${wholeCount(rows.count)} of ${counted(rows.total, what)}`;
}
