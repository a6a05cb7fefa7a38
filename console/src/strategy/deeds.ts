/** What a person does to a strategy: asked first, told afterwards, taken back where that is possible. */

import * as actions from "../api/actions";
import { noticed, refreshed } from "../api/queries";
import type { Model, Run, Settings, SettingsChange, Strategy } from "../domain/shapes";
import { ask } from "../parts/confirm";
import { done, failed } from "../parts/toasts";

type Deed = () => Promise<unknown>;

/** Whether it was done. */
export async function perform(id: string, deed: Deed, said: string, undo?: Deed): Promise<boolean> {
  const isDone = await tried(deed);
  if (isDone) done(said, undo ? () => void perform(id, undo, "Taken back.") : null);
  await refreshed(id);
  return isDone;
}

async function tried(deed: Deed): Promise<boolean> {
  try {
    await deed();
    return true;
  } catch (error) {
    failed(noticed(error));
    return false;
  }
}

export async function activate(strategy: Strategy, version: string): Promise<void> {
  const live = strategy.champion?.version ?? "the base rate";
  const answer = await ask({
    title: `Activate ${version}?`,
    text: `Bots use ${version} instead of ${live} from their next look on. It stays pinned: trainings go on and are judged, and nothing else goes live until you unpin it.`,
    confirm: `Activate ${version}`,
    reason: true,
  });
  if (!answer) return;
  await perform(
    strategy.id,
    () => actions.activate(strategy.id, version, answer.reason),
    `${version} is live, and pinned.`,
    restoring(strategy),
  );
}

export async function approve(strategy: Strategy, waiting: Model): Promise<void> {
  const answer = await ask({
    title: `Approve ${waiting.version}?`,
    text: `${waiting.line ?? "It was found better"}. It goes live and is not pinned.`,
    confirm: `Approve ${waiting.version}`,
    reason: true,
  });
  if (!answer) return;
  await perform(
    strategy.id,
    () => actions.activate(strategy.id, waiting.version, answer.reason),
    `${waiting.version} is live.`,
    restoring(strategy),
  );
}

/** Puts back what was live, and pinned if it was; undefined where nothing was live. */
function restoring({ id, champion, pin }: Strategy): Deed | undefined {
  if (!champion) return undefined;
  return async () => {
    await actions.activate(id, champion.version, "taken back");
    if (pin === null) await actions.unpin(id);
  };
}

export async function unpin(strategy: Strategy): Promise<void> {
  const { id, pin } = strategy;
  if (!pin) return;
  const answer = await ask({
    title: `Unpin ${pin.version}?`,
    text: `${pin.version} stays live until a training finds something better.`,
    confirm: `Unpin ${pin.version}`,
  });
  if (!answer) return;
  await perform(
    id,
    () => actions.unpin(id),
    `${pin.version} is not pinned any more.`,
    () => actions.activate(id, pin.version, "pinned again", true),
  );
}

export async function pinLive(strategy: Strategy, version: string): Promise<void> {
  const { id } = strategy;
  const answer = await ask({
    title: `Pin ${version}?`,
    text: "Trainings go on and are judged, and nothing else goes live until you unpin it.",
    confirm: `Pin ${version}`,
    reason: true,
  });
  if (!answer) return;
  await perform(
    id,
    () => actions.activate(id, version, answer.reason, true),
    `${version} is pinned.`,
    () => actions.unpin(id),
  );
}

export async function resume(strategy: Strategy): Promise<void> {
  const answer = await ask({
    title: "Resume this strategy?",
    text: "Its failures are forgotten, and the next check looks at it again.",
    confirm: "Resume",
  });
  if (!answer) return;
  await perform(strategy.id, () => actions.resume(strategy.id), "Resumed.");
}

export async function cancel(run: Run): Promise<void> {
  const answer = await ask({
    title: "Cancel this training?",
    text: "What is live stays live. The trades are not used up: you can train again at any time.",
    confirm: "Cancel the training",
    dangerous: true,
  });
  if (!answer) return;
  await perform(run.strategy_id, () => actions.cancel(run.id), "The training is cancelled.");
}

export function save(id: string, before: Settings, changes: SettingsChange): Promise<boolean> {
  return perform(
    id,
    () => actions.change(id, changes),
    "Settings saved.",
    () => actions.change(id, earlier(before, changes)),
  );
}

function earlier(before: Settings, changes: SettingsChange): SettingsChange {
  const names = Object.keys(changes) as (keyof SettingsChange)[];
  return Object.fromEntries(names.map((name) => [name, before[name]]));
}
