import { dismiss, toasts } from "../state/toasts";
import { useStore } from "../state/store";
import { Button } from "./Button";
import { Icon } from "./Icon";
import { IconButton } from "./IconButton";

/** What was done and what failed, at the foot of the page for 8 seconds. */
export function Toasts() {
  const shown = useStore(toasts);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.map((toast) => (
        <div key={toast.id} class={toast.isBad ? "toast bad" : "toast"}>
          <Icon name={toast.isBad ? "bad" : "check"} />
          <span>{toast.text}</span>
          <span class="push" />
          {toast.undo && (
            <Button
              look="s"
              icon="undo"
              onPress={() => {
                toast.undo?.();
                dismiss(toast.id);
              }}
            >
              Undo
            </Button>
          )}
          <IconButton icon="x" label="Close" small onPress={() => dismiss(toast.id)} />
        </div>
      ))}
    </div>
  );
}
