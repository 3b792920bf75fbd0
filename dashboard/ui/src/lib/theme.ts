// The theme: that of the system, unless the person has chosen another one.

export type Theme = "system" | "light" | "dark";

const key = "perdure.theme";

/** What is stored, or "system". */
export function initialTheme(): Theme {
  const stored = read(key);
  return stored === "light" || stored === "dark" ? stored : "system";
}

export function chooseTheme(theme: Theme): void {
  document.documentElement.dataset["theme"] = theme;
  write(key, theme === "system" ? null : theme);
}

/** Reads a setting; browsers may refuse storage. */
export function read(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** Writes a setting, or removes it with null. */
export function write(name: string, value: string | null): void {
  try {
    if (value === null) {
      localStorage.removeItem(name);
    } else {
      localStorage.setItem(name, value);
    }
  } catch {
    // the setting lasts as long as the page
  }
}
