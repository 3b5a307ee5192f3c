/** Light or dark: as the system has it, or as the reader chose, which the browser remembers. */
export type Theme = "light" | "dark" | "system";

const KEY = "mailfleet-theme";

export function storedTheme(): Theme {
  const stored = localStorage.getItem(KEY);
  return stored === "light" || stored === "dark" ? stored : "system";
}

export function applyTheme(theme: Theme): void {
  if (theme === "system") {
    localStorage.removeItem(KEY);
    delete document.documentElement.dataset["theme"];
  } else {
    localStorage.setItem(KEY, theme);
    document.documentElement.dataset["theme"] = theme;
  }
  dispatchEvent(new Event("mailfleet-theme"));
}

/** A colour of the style sheet, for what is drawn by hand. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
