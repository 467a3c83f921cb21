/** The type of an input that is chosen while it runs: Preact's types want it to be known before. */
export function inputType(type: string): { type: "text" } {
  return { type } as { type: "text" };
}
