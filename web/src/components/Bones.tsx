import { useEffect, useState } from "preact/hooks";

const WAIT_MS = 150;
const WIDTHS = ["w4", "w3", "w5", "w2", "w4", "w3"];

/** Bones in place of rows that are on their way; nothing for the first 150 ms. */
export function Bones({ rows = 6 }: { rows?: number }) {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), WAIT_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!isLate) return null;
  return (
    <div class="bones" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => <span key={row} class={`bone ${WIDTHS[row % WIDTHS.length]}`} />)}
    </div>
  );
}
