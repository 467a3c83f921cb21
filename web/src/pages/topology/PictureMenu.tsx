import type { RefObject } from "preact";
import { Icon } from "../../components/Icon";
import { Menu } from "../../components/Menu";
import { MenuItem } from "../../components/MenuItem";
import { saveBlob, saveFile } from "../../list/exporting";
import { sayFailed } from "../../state/toasts";
import { asPng, asSvg } from "./pictureFile";

interface Props {
  /** Around the picture. */
  frame: RefObject<HTMLDivElement | null>;
  /** Of the file, without its ending. */
  name: string;
}

/** The picture as a file, as it is shown: what is found, lit and left out. */
export function PictureMenu({ frame, name }: Props) {
  const save = async (kind: "svg" | "png"): Promise<void> => {
    const picture = frame.current?.querySelector<SVGSVGElement>("svg.net");
    if (!frame.current || !picture) return;
    const ground = getComputedStyle(frame.current).backgroundColor;
    try {
      if (kind === "svg") saveFile(`${name}.svg`, asSvg(picture, ground), "image/svg+xml");
      else saveBlob(`${name}.png`, await asPng(picture, ground));
    } catch (error) {
      sayFailed("save the picture", error);
    }
  };
  return (
    <Menu
      label="Save the picture"
      atEnd
      button={(attributes) => <button class="btn hide-s" type="button" {...attributes}><Icon name="download" />Export</button>}
    >
      {(close) => (
        <>
          <MenuItem onPress={() => { close(); void save("svg"); }}>As SVG</MenuItem>
          <MenuItem onPress={() => { close(); void save("png"); }}>As PNG</MenuItem>
        </>
      )}
    </Menu>
  );
}
