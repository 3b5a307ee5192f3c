/**
 * URLs and addresses of mail in text (pure). Each is found at its mark ("://", "www.", "@") and grown to both sides
 * as far as the bounds allow; every mark costs one of the budget, so text made of marks costs no more than other
 * text. What merely looks like one is sorted out where it is normalised.
 */

/** Marks that may still be looked at in one message. */
export interface MarkBudget {
  left: number;
}

const LONGEST_URL = 1000;
const LONGEST_LOCAL = 64;
const LONGEST_DOMAIN = 253;

const URL_END = /[\s<>"'`{}|^\u0000-\u0020\u007f]/;
/** What stands behind a URL in a sentence. */
const TRAILING = ".,;:!?)]";
const WWW = /(?<![\w.@/-])www\d{0,3}\.(?=\w)/gi;

export function findUrls(text: string, budget: MarkBudget, take: (url: string) => void): void {
  for (let at = text.indexOf("://"); at !== -1 && budget.left > 0; at = text.indexOf("://", at + 3)) {
    budget.left--;
    if (/https?$/i.test(text.slice(Math.max(0, at - 5), at))) take(`http${grow(text, at)}`);
  }
  if (budget.left <= 0) return;
  for (const { index } of text.matchAll(WWW)) {
    if (budget.left <= 0) return;
    budget.left--;
    take(`http://${grow(text, index)}`);
  }
}

function grow(text: string, start: number): string {
  const most = text.slice(start, start + LONGEST_URL);
  const end = most.search(URL_END);
  let last = end === -1 ? most.length : end;
  while (TRAILING.includes(most.charAt(last - 1)) && last > 0) last--;
  return most.slice(0, last);
}

const LOCAL = /[A-Za-z0-9!#$&*+/=?^_.~\u0080-\uffff-]+$/;
const DOMAIN = /^[A-Za-z0-9_.\u0080-\uffff-]+/;

export function findAddresses(text: string, budget: MarkBudget, take: (address: string) => void): void {
  for (let at = text.indexOf("@"); at !== -1 && budget.left > 0; at = text.indexOf("@", at + 1)) {
    budget.left--;
    const domain = DOMAIN.exec(text.slice(at + 1, at + 1 + LONGEST_DOMAIN))?.[0].replace(/[.-]+$/, "");
    if (domain === undefined || !domain.includes(".")) continue;
    const local = localBefore(text, at);
    if (local !== "") take(`${local}@${domain}`);
  }
}

/** Steps back character by character: a pattern that is anchored at the end would try every start. */
function localBefore(text: string, at: number): string {
  let start = at;
  while (start > 0 && at - start <= LONGEST_LOCAL && LOCAL.test(text[start - 1] ?? "")) start--;
  return at - start > LONGEST_LOCAL ? "" : text.slice(start, at).replace(/^\.+/, "");
}

const ENTITY = /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(colon|sol|period|commat|Tab|NewLine));?/gi;
const NAMED: Readonly<Record<string, string>> = {
  colon: ":",
  sol: "/",
  period: ".",
  commat: "@",
  tab: "",
  newline: "",
};

/** Undoes the entities that hide a URL in HTML; the usual ones (&amp; &nbsp;) end none and stay. */
export function withoutEntities(html: string): string {
  if (!html.includes("&")) return html;
  return html.replace(ENTITY, (_, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return NAMED[name.toLowerCase()] ?? "";
    const point = decimal === undefined ? Number.parseInt(hex ?? "0", 16) : Number(decimal);
    return point > 0x20 && point <= 0x10ffff ? String.fromCodePoint(point) : "";
  });
}
