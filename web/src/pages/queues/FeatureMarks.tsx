import type { Queue } from "../../api/types";
import { featuresOf } from "./features";

export function FeatureMarks({ queue }: { queue: Queue }) {
  const marks = featuresOf(queue);
  if (marks.length === 0) return null;
  return (
    <span class="feat hide-s">
      {marks.map((mark) => <abbr key={mark.mark} title={mark.title}>{mark.mark}</abbr>)}
    </span>
  );
}
