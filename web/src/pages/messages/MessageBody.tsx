import { useEffect, useMemo, useState } from "preact/hooks";
import type { Message } from "../../api/types";
import { Segmented } from "../../components/Segmented";
import { bytes } from "../../format/bytes";
import { textOf } from "../../format/parts";
import { prettyJson } from "../../format/prettyJson";
import { hexDump, octetsOf, propertiesOf, textOfOctets, unpacked } from "./body";
import { CodeLines, JsonLines } from "./CodeLines";
import { decoded } from "./decoders/decoding";
import { prettyXml } from "./decoders/xml";
import { ImageBody } from "./ImageBody";
import { PickField, usePicked } from "./PickField";

/** A way to show a body. */
interface Form {
  id: string;
  title: string;
  /** What is shown; an image has none. */
  text?: string;
}

const IMAGE = /^image\/(png|jpeg|gif|webp)$/;

/** The body of a message as JSON, XML, MessagePack, CBOR, image, text or octets, unpacked where it was packed. */
export function MessageBody({ message }: { message: Message }) {
  const [wanted, setWanted] = useState("");
  const [inner, setInner] = useState<Uint8Array | undefined>(undefined);
  const outer = useMemo(() => octetsOf(message), [message]);
  const properties = propertiesOf(message);
  useEffect(() => {
    setInner(undefined);
    let isHere = true;
    void unpacked(outer, properties.content_encoding).then((octets) => isHere && setInner(octets));
    return () => {
      isHere = false;
    };
  }, [outer]);
  const octets = inner ?? outer;
  const type = String(properties.content_type ?? "");
  const forms = useMemo(() => formsOf(octets, type), [octets, type]);
  const shown = forms.find((form) => form.id === wanted) ?? (forms[0] as Form);
  const size = textOf(bytes(message.payload_bytes));
  const picked = usePicked(shown.id === "json" ? shown.text : undefined);
  return (
    <>
      <div class="row">
        <Segmented label="Show body as" choices={forms} chosen={shown.id} onChoose={setWanted} />
        <span class="dim push">{inner ? `${size}, unpacked ${textOf(bytes(inner.length))}` : size}</span>
      </div>
      {shown.id === "image" && <ImageBody octets={octets} type={type} />}
      {shown.id === "json" && <PickField picked={picked} />}
      {(shown.id === "json" || shown.id === "packed") && <JsonLines label={shown.title} text={picked.text ?? shown.text ?? ""} />}
      {(shown.id === "text" || shown.id === "hex" || shown.id === "xml") && <CodeLines label={shown.title} text={shown.text ?? ""} wraps={shown.id !== "hex"} />}
      {message.payload_bytes > outer.length && <p class="dim">The first {textOf(bytes(outer.length))} of {size} are shown.</p>}
    </>
  );
}

/** How a body can be shown, the best form first. */
function formsOf(octets: Uint8Array, type: string): Form[] {
  const text = textOfOctets(octets);
  const json = text === undefined ? undefined : prettyJson(text);
  const xml = text === undefined ? undefined : prettyXml(text);
  const packed = decoded(octets, type, text !== undefined);
  return [
    ...(packed === undefined ? [] : [{ id: "packed", title: packed.title, text: packed.text }]),
    ...(IMAGE.test(type) ? [{ id: "image", title: "Image" }] : []),
    ...(json === undefined ? [] : [{ id: "json", title: "JSON", text: json }]),
    ...(xml === undefined ? [] : [{ id: "xml", title: "XML", text: xml }]),
    ...(text === undefined ? [] : [{ id: "text", title: "Text", text }]),
    { id: "hex", title: "Hex", text: hexDump(octets) },
  ];
}
