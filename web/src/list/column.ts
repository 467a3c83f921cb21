import type { ComponentChildren } from "preact";

/** A column of a list. */
export interface Column<Row> {
  id: string;
  title: ComponentChildren;
  /** The title in words, for the column menu and exports. */
  label: string;
  /** What it is sorted, filtered and exported by; undefined is not known. */
  value: (row: Row) => string | number | boolean | undefined | null;
  cell: (row: Row) => ComponentChildren;
  /** The broker's name of the field, where it can sort by it. */
  serverKey?: string;
  /** Its word in the filter, `ready:>1000`. */
  word?: string;
  /** The value is a length of time in milliseconds. */
  isAge?: boolean;
  isNumber?: boolean;
  /** Takes the room that is left. */
  isFluid?: boolean;
  /** From which width down it is left out: p3 tablet, p2 phone. */
  width?: "p2" | "p3" | "hide-s";
  /** Not shown until the reader asks for it. */
  isExtra?: boolean;
  /** The number that makes the row a problem. */
  look?: (row: Row) => "hot" | "hotbad" | undefined;
  class?: string;
  /** Cannot be sorted by. */
  isUnsortable?: boolean;
}

/** One step of an order. */
export interface SortStep {
  id: string;
  isDown: boolean;
}
