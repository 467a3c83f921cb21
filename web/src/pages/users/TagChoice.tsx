import { Checkbox } from "../../components/Checkbox";

const TAGS = [
  { tag: "management", means: "sees own virtual hosts here" },
  { tag: "policymaker", means: "and sets policies there" },
  { tag: "monitoring", means: "sees all, with nodes and connections" },
  { tag: "administrator", means: "may do everything" },
  { tag: "impersonator", means: "publishes in the name of others" },
];

/** The tags of a user, and what each one means. */
export function TagChoice({ tags, onChange }: { tags: readonly string[]; onChange: (tags: readonly string[]) => void }) {
  return (
    <fieldset class="stack s">
      <legend class="lab">Tags</legend>
      {TAGS.map(({ tag, means }) => (
        <label key={tag} class="row">
          <Checkbox label={tag} checked={tags.includes(tag)} onChange={(is) => onChange(is ? [...tags, tag] : tags.filter((other) => other !== tag))} />
          <span>{tag} <span class="dim fs">{means}</span></span>
        </label>
      ))}
    </fieldset>
  );
}
