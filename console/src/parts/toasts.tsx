import { signal } from "@preact/signals";
import { wordsOf } from "../api/errors";

type Toast = { id: number; text: string; tone: "good" | "bad"; undo: (() => void) | null };

const SHOWN_MS = 12_000;
const toasts = signal<readonly Toast[]>([]);
let newest = 0;

function show(text: string, tone: Toast["tone"], undo: Toast["undo"]): void {
  const id = ++newest;
  toasts.value = [...toasts.value.slice(-2), { id, text, tone, undo }];
  setTimeout(() => dismiss(id), SHOWN_MS);
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** Says what was done; `undo` takes it back. */
export function done(text: string, undo: (() => void) | null = null): void {
  show(text, "good", undo);
}

export function failed(error: Error): void {
  show(wordsOf(error), "bad", null);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, tone, undo }) => (
        <div key={id} class={`toast ${tone}`}>
          <span>{text}</span>
          {undo && (
            <button
              class="link"
              onClick={() => {
                dismiss(id);
                undo();
              }}
            >
              Undo
            </button>
          )}
          <button class="link quiet" aria-label="Dismiss" onClick={() => dismiss(id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
