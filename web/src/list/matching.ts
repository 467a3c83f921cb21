import { nameMatches, valueMatches, type Filter } from "../route/filter";
import type { Column } from "./column";

/** The rows that a filter leaves. */
export function matching<Row>(
  rows: readonly Row[],
  filter: Filter,
  columns: readonly Column<Row>[],
  nameOf: (row: Row) => string,
): Row[] {
  if (filter.text === "" && filter.typed.length === 0) return [...rows];
  return rows.filter(
    (row) =>
      (filter.text === "" || nameMatches(nameOf(row), filter.text)) &&
      filter.typed.every((word) => {
        const column = columns.find((candidate) => candidate.word === word.field);
        return column !== undefined && valueMatches(column.value(row), word, column.isAge);
      }),
  );
}
