import type { Message } from "../../api/types";
import { octetsOf, propertiesOf, textOfOctets, unpacked } from "./body";
import { holds, TooLong } from "./jsonpath/evaluate";
import type { Test } from "./jsonpath/path";

/** Whether a message fits; undefined: its body is no JSON, was cut, or takes too long. */
export async function fits(test: Test, message: Message): Promise<boolean | undefined> {
  const octets = octetsOf(message);
  const text = textOfOctets((await unpacked(octets, propertiesOf(message).content_encoding)) ?? octets);
  if (text === undefined) return undefined;
  try {
    return holds(test, JSON.parse(text));
  } catch (error) {
    if (error instanceof TooLong || error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}
