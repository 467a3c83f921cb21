import { Icon } from "../components/Icon";
import { Menu } from "../components/Menu";
import { MenuItem } from "../components/MenuItem";
import type { Column } from "./column";
import { asCsv, asJson, saveFile } from "./exporting";

interface Props<Row> {
  /** The name of the file, without its ending. */
  name: string;
  rows: () => readonly Row[];
  columns: readonly Column<Row>[];
}

/** What is shown (filter, columns, order) as a file. */
export function ExportMenu<Row>({ name, rows, columns }: Props<Row>) {
  return (
    <Menu
      label="Export"
      atEnd
      button={(attributes) => (
        <button class="btn hide-s" type="button" {...attributes}><Icon name="download" />Export</button>
      )}
    >
      {(close) => (
        <>
          <MenuItem onPress={() => { saveFile(`${name}.csv`, asCsv(rows(), columns), "text/csv"); close(); }}>
            As CSV
          </MenuItem>
          <MenuItem onPress={() => { saveFile(`${name}.json`, asJson(rows(), columns), "application/json"); close(); }}>
            As JSON
          </MenuItem>
        </>
      )}
    </Menu>
  );
}
