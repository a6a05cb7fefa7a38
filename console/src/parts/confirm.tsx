import { signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";

export type Question = {
  title: string;
  text: string;
  confirm: string;
  dangerous?: boolean;
  /** Asks for a reason too, which may stay empty. */
  reason?: boolean;
};

/** The reason that was given with it; null where the answer is no. */
type Answer = { reason: string | null } | null;

const asked = signal<{ question: Question; answer: (given: Answer) => void } | null>(null);

export function ask(question: Question): Promise<Answer> {
  asked.value?.answer(null);
  return new Promise((resolve) => {
    const mine = {
      question,
      answer: (given: Answer) => {
        if (asked.value === mine) asked.value = null;
        resolve(given);
      },
    };
    asked.value = mine;
  });
}

export function ConfirmDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const reason = useRef<HTMLInputElement>(null);
  const open = asked.value;
  // Before the browser can tell of anything: a question that is known but not shown looks refused.
  useLayoutEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="question"
      // The browser tells of it later: by then the next question may stand here.
      onClose={() => !dialog.current?.open && open?.answer(null)}
    >
      {open && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const why = reason.current?.value.trim() ?? "";
            open.answer({ reason: why === "" ? null : why });
          }}
        >
          <h2 id="question">{open.question.title}</h2>
          <p>{open.question.text}</p>
          {open.question.reason && (
            <label class="field">
              <span>Why? (optional, kept in the history)</span>
              <input ref={reason} type="text" maxLength={500} autoComplete="off" />
            </label>
          )}
          <div class="actions end">
            <button type="button" onClick={() => open.answer(null)}>
              Keep it as it is
            </button>
            <button type="submit" class={open.question.dangerous ? "danger" : "primary"}>
              {open.question.confirm}
            </button>
          </div>
        </form>
      )}
    </dialog>
  );
}
