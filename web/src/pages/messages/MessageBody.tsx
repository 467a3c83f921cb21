import { useEffect, useState } from "preact/hooks";
import type { Message } from "../../api/types";
import { Segmented } from "../../components/Segmented";
import { bytes } from "../../format/bytes";
import { jsonLines } from "../../format/json";
import { textOf } from "../../format/parts";
import { hexDump, octetsOf, prettyJson, propertiesOf, textOfOctets, unpacked } from "./body";

const KIND_CLASS = { key: "jk", string: "js", number: "jn", literal: "jl", plain: "jp" } as const;

/** The body of a message as JSON, text or octets, unpacked where it was packed. */
export function MessageBody({ message }: { message: Message }) {
  const [wanted, setWanted] = useState("json");
  const [inner, setInner] = useState<Uint8Array | undefined>(undefined);
  const outer = octetsOf(message);
  useEffect(() => {
    setInner(undefined);
    let isHere = true;
    void unpacked(outer, propertiesOf(message).content_encoding).then((octets) => isHere && setInner(octets));
    return () => {
      isHere = false;
    };
  }, [message]);
  const octets = inner ?? outer;
  const text = textOfOctets(octets);
  const json = text === undefined ? undefined : prettyJson(text);
  const choices = [
    ...(json === undefined ? [] : [{ id: "json", title: "JSON" }]),
    ...(text === undefined ? [] : [{ id: "text", title: "Text" }]),
    { id: "hex", title: "Hex" },
  ];
  const shown = choices.some((choice) => choice.id === wanted) ? wanted : (choices[0]?.id ?? "hex");
  const size = textOf(bytes(message.payload_bytes));
  return (
    <>
      <div class="row">
        <Segmented label="Show body as" choices={choices} chosen={shown} onChoose={setWanted} />
        <span class="dim push">{inner ? `${size}, unpacked ${textOf(bytes(inner.length))}` : size}</span>
      </div>
      <pre class="code" tabIndex={0} aria-label={`Body, ${shown}`}>
        {shown === "json" && jsonLines(json ?? "").map((line, index) => (
          <span key={index} class="l">
            {line.map((token, place) => <span key={place} class={KIND_CLASS[token.kind]}>{token.text}</span>)}
          </span>
        ))}
        {shown === "text" && (text ?? "").split("\n").map((line, index) => <span key={index} class="l wrap">{line}</span>)}
        {shown === "hex" && hexDump(octets).split("\n").map((line, index) => <span key={index} class="l">{line}</span>)}
      </pre>
      {message.payload_bytes > outer.length && (
        <p class="dim">The first {textOf(bytes(outer.length))} of {size} are shown.</p>
      )}
    </>
  );
}
