/** What of a computed style a file needs to look as the page does. */
const LOOKS = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-family", "font-size", "font-weight", "text-anchor"] as const;
const SCALE = 2;

/**
 * The picture as a file of its own: the looks that the page's style sheets give it become attributes, and
 * links to pages, which lead nowhere outside, become groups.
 *
 * @param ground What is behind it.
 */
export function asSvg(picture: SVGSVGElement, ground: string): string {
  const copy = picture.cloneNode(true) as SVGSVGElement;
  const sources = [...picture.querySelectorAll<SVGElement>("*")];
  const copies = [...copy.querySelectorAll<SVGElement>("*")];
  copies.forEach((element, index) => {
    const source = sources[index];
    if (source !== undefined && element.tagName !== "title") dress(element, getComputedStyle(source));
  });
  for (const link of copy.querySelectorAll("a")) {
    const group = document.createElementNS("http://www.w3.org/2000/svg", "g");
    group.append(...link.childNodes);
    link.replaceWith(group);
  }
  const box = picture.viewBox.baseVal;
  copy.setAttribute("width", String(box.width));
  copy.setAttribute("height", String(box.height));
  copy.removeAttribute("class");
  const back = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  back.setAttribute("width", "100%");
  back.setAttribute("height", "100%");
  back.setAttribute("fill", ground);
  copy.prepend(back);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(copy)}\n`;
}

function dress(element: SVGElement, style: CSSStyleDeclaration): void {
  element.removeAttribute("class");
  for (const name of LOOKS) {
    const value = style.getPropertyValue(name);
    if (value !== "" && value !== "normal") element.setAttribute(name, value);
  }
}

/** The same as a PNG, with two points for each; the browser draws it. */
export async function asPng(picture: SVGSVGElement, ground: string): Promise<Blob> {
  const url = URL.createObjectURL(new Blob([asSvg(picture, ground)], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.width * SCALE;
    canvas.height = image.height * SCALE;
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) => canvas.toBlob((blob) => (blob === null ? reject(new Error("The picture is too large.")) : resolve(blob)), "image/png"));
  } finally {
    URL.revokeObjectURL(url);
  }
}
