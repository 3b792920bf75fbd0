// The theme that is shown, for whoever shows or changes it.
import { signal } from "@preact/signals";
import { chooseTheme, initialTheme, type Theme } from "./theme";

export const theme = signal<Theme>(initialTheme());

export function setTheme(t: Theme): void {
  chooseTheme(t);
  theme.value = t;
}

/** The theme that follows one, where a button goes through them. */
export const nextTheme: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
