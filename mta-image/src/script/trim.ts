/**
 * The end of a text without characters that are not wanted there. A pattern such as / +$/ tries every run of them, which
 * takes minutes in a long text that somebody made for it; this looks at each character once. Pure.
 */
export function trimEnd(text: string, unwanted: string): string {
  let end = text.length;
  while (end > 0 && unwanted.includes(text[end - 1] as string)) end -= 1;
  return text.slice(0, end);
}
