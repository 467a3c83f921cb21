import { Checkbox } from "../components/Checkbox";
import { Icon } from "../components/Icon";
import { Menu } from "../components/Menu";
import { MenuItem } from "../components/MenuItem";
import type { Column } from "./column";

interface Props<Row> {
  columns: readonly Column<Row>[];
  shown: ReadonlySet<string>;
  onChange: (shown: ReadonlySet<string>) => void;
  onDefault: () => void;
}

/** Which columns are shown; kept in this browser for each table. */
export function ColumnMenu<Row>({ columns, shown, onChange, onDefault }: Props<Row>) {
  const toggle = (id: string, isShown: boolean): void => {
    const next = new Set(shown);
    if (isShown) next.add(id);
    else next.delete(id);
    onChange(next);
  };
  return (
    <Menu
      label="Columns"
      atEnd
      button={(attributes) => (
        <button class="btn hide-s" type="button" {...attributes}><Icon name="columns" />Columns</button>
      )}
    >
      {(close) => (
        <>
          <h3>Columns</h3>
          {columns.filter((column) => !column.isFluid).map((column) => (
            <label key={column.id} class="mi">
              <Checkbox label={column.label} checked={shown.has(column.id)} onChange={(is) => toggle(column.id, is)} />
              {column.label}
            </label>
          ))}
          <hr />
          <MenuItem icon="undo" onPress={() => { onDefault(); close(); }}>Back to default</MenuItem>
        </>
      )}
    </Menu>
  );
}

