import { copyText } from "../state/clipboard";
import { Button } from "./Button";

interface Props {
  /** What it is, for screen readers and for the message after copying: "the scrape configuration". */
  what: string;
  text: string;
}

/** A few lines to copy into a file or a shell. */
export function Snippet({ what, text }: Props) {
  return (
    <div class="snippet">
      <pre class="code" tabIndex={0} aria-label={what}>{text.split("\n").map((line, index) => <span key={index} class="l">{line}</span>)}</pre>
      <Button look="s" icon="copy" onPress={() => void copyText(text, what)}>Copy</Button>
    </div>
  );
}
