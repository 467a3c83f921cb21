import { Field } from "../../components/Field";
import type { MoveForm } from "./moveForm";

interface Props {
  form: MoveForm;
  onChange: (form: MoveForm) => void;
}

/** Which messages, how many, and how fast. */
export function MoveFields({ form, onChange }: Props) {
  return (
    <>
      <Field label="Which" hint="empty is all" isMono value={form.find} onInput={(find) => onChange({ ...form, find })} placeholder="text, key:, exchange:, header:name=value, /pattern/" />
      <div class="f2">
        <Field label="How many" hint="the oldest first; empty is all" type="number" value={form.count} onInput={(count) => onChange({ ...form, count })} />
        <Field label="At most" hint="empty is no limit" type="number" suffix="a second" value={form.rate} onInput={(rate) => onChange({ ...form, rate })} placeholder="50" />
      </div>
    </>
  );
}
