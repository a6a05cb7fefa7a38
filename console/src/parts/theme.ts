/** Dark or light: what the system says, unless the person has said otherwise. */

import { computed, effect, signal } from "@preact/signals";

export type Theme = "dark" | "light";

const KEY = "auto-retrain.theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(system.matches);
const chosen = signal(kept());

export const theme = computed<Theme>(() => chosen.value ?? (systemIsDark.value ? "dark" : "light"));

export function toggleTheme(): void {
  chosen.value = theme.peek() === "dark" ? "light" : "dark";
  localStorage.setItem(KEY, chosen.value);
}

export function startTheme(): void {
  system.addEventListener("change", ({ matches }) => (systemIsDark.value = matches));
  effect(() => {
    document.documentElement.dataset.theme = theme.value;
  });
}

function kept(): Theme | null {
  const value = localStorage.getItem(KEY);
  return value === "dark" || value === "light" ? value : null;
}
