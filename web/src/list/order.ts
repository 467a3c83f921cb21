import type { Column, SortStep } from "./column";

/** Read an order from the address: `ready-,name` is by ready downwards, then by name. */
export function parseSort(text: string | undefined, fallback: readonly SortStep[]): SortStep[] {
  if (text === undefined || text === "") return [...fallback];
  return text.split(",").map((word) => {
    const isDown = word.endsWith("-");
    return { id: isDown ? word.slice(0, -1) : word, isDown };
  });
}

export function formatSort(steps: readonly SortStep[]): string {
  return steps.map((step) => step.id + (step.isDown ? "-" : "")).join(",");
}

/** The order after a press on a head; with Shift it becomes one step more. */
export function pressedSort<Row>(steps: readonly SortStep[], column: Column<Row>, isMore: boolean): SortStep[] {
  const known = steps.find((step) => step.id === column.id);
  const next = { id: column.id, isDown: known === undefined ? (column.isNumber ?? false) : !known.isDown };
  if (!isMore) return [next];
  if (known === undefined) return [...steps, next];
  return steps.map((step) => (step.id === column.id ? next : step));
}

/** Rows in an order; what is not known comes last, in either direction. */
export function sorted<Row>(rows: readonly Row[], steps: readonly SortStep[], columns: readonly Column<Row>[]): Row[] {
  const keys = steps.flatMap((step) => {
    const column = columns.find((candidate) => candidate.id === step.id);
    return column === undefined ? [] : [{ value: column.value, isDown: step.isDown }];
  });
  return [...rows].sort((one, other) => {
    for (const key of keys) {
      const order = compared(key.value(one), key.value(other), key.isDown);
      if (order !== 0) return order;
    }
    return 0;
  });
}

function compared(one: unknown, other: unknown, isDown: boolean): number {
  const isOneMissing = one === undefined || one === null;
  const isOtherMissing = other === undefined || other === null;
  if (isOneMissing || isOtherMissing) return Number(isOneMissing) - Number(isOtherMissing);
  const order =
    typeof one === "string" && typeof other === "string"
      ? one.localeCompare(other, "en", { numeric: true })
      : Number(one) - Number(other);
  return isDown ? -order : order;
}
