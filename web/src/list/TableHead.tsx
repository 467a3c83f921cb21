import { Checkbox } from "../components/Checkbox";
import { Icon } from "../components/Icon";
import type { Column, SortStep } from "./column";

interface Props<Row> {
  columns: readonly Column<Row>[];
  sort: readonly SortStep[];
  onSort?: ((column: Column<Row>, isMore: boolean) => void) | undefined;
  /** Undefined where rows cannot be selected. */
  selection?: { isAll: boolean; isSome: boolean; onAll: (isAll: boolean) => void } | undefined;
}

/** The head of a table: a press sorts, with Shift it adds a step to the order. */
export function TableHead<Row>({ columns, sort, onSort, selection }: Props<Row>) {
  return (
    <thead>
      <tr>
        {selection && (
          <th class="hide-s" scope="col">
            <Checkbox
              label="Select all that match"
              checked={selection.isAll}
              mixed={selection.isSome && !selection.isAll}
              onChange={selection.onAll}
            />
          </th>
        )}
        {columns.map((column) => {
          const place = sort.findIndex((step) => step.id === column.id);
          const step = sort[place];
          const order = step === undefined ? undefined : step.isDown ? "descending" : "ascending";
          return (
            <th key={column.id} class={classOf({ ...column, class: "" })} scope="col" aria-sort={order}>
              {onSort === undefined || column.isUnsortable ? (
                column.title
              ) : (
                <button
                  class="sort"
                  type="button"
                  title="Sort; with Shift as one more step"
                  onClick={(event) => onSort(column, event.shiftKey)}
                >
                  {column.title}
                  {step && <Icon name={step.isDown ? "sortd" : "sorta"} small />}
                  {step && sort.length > 1 && <span class="ord">{place + 1}</span>}
                </button>
              )}
            </th>
          );
        })}
      </tr>
    </thead>
  );
}

/** The classes that the cells of a column share. */
export function classOf<Row>(column: Column<Row>): string | undefined {
  const names = [column.isNumber && "num", column.isFluid && "fluid", column.width, column.class];
  return names.filter(Boolean).join(" ") || undefined;
}
