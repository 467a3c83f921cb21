import { useEffect, useState } from "preact/hooks";

/** A body that is an image; the policy lets it be shown from memory alone. */
export function ImageBody({ octets, type }: { octets: Uint8Array; type: string }) {
  const [address, setAddress] = useState("");
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([octets as BlobPart], { type }));
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [octets, type]);
  return address === "" ? null : <img class="picture" src={address} alt="The body as an image" />;
}
