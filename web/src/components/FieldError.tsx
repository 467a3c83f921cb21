import { Icon } from "./Icon";

interface Props {
  /** Of the input. */
  id: string;
  error: string | undefined;
}

/** What is wrong with an input, under it; it is told to screen readers as it comes. */
export function FieldError({ id, error }: Props) {
  if (!error) return null;
  return <span class="err" id={`${id}-error`} role="alert"><Icon name="bad" small />{error}</span>;
}
