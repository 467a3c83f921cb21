import { say } from "./toasts";

/**
 * Put text into the clipboard and say so. Over plain HTTP from another host a browser has no
 * `navigator.clipboard`: then the text is selected in a field out of sight and copied by the old command.
 *
 * @param what What was copied, for the message: "the address".
 */
export async function copyText(text: string, what: string): Promise<void> {
  const isCopied = (await copyByClipboard(text)) || copyBySelection(text);
  say(isCopied ? `Copied ${what}` : `The browser does not let ${what} be copied`);
}

async function copyByClipboard(text: string): Promise<boolean> {
  const clipboard: Clipboard | undefined = navigator.clipboard;
  if (clipboard === undefined) return false;
  try {
    await clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

function copyBySelection(text: string): boolean {
  const field = document.createElement("textarea");
  const before = document.activeElement as HTMLElement | null;
  field.value = text;
  field.className = "vh";
  // Inside the dialog that is open: what is outside of it cannot be selected.
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  before?.focus();
  return isCopied;
}
