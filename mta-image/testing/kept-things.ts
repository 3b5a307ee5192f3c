/** What `file-victim.ts` keeps, by number, for it and for whoever looks at what was left of it. */
import type { PushedTexts } from "#mta/config/files.ts";
import type { KeptShare } from "#mta/config/shares.ts";
import type { Suppression } from "#mta/suppression/suppression-store.ts";

export function pushedOf(n: number): PushedTexts {
  return { app: `app: ${n}`, policy: "p".repeat(n * 100), suspend: "", revision: `r${n}` };
}

export function shareOf(n: number): KeptShare {
  return { shares: { n, of: 10 }, version: n };
}

/** More than are kept, and what is left of them. */
export function notesOf(n: number): string {
  return "crash in plugin geo\n".repeat(n === 1 ? 1500 : 1000);
}

export function eventLineOf(n: number): Buffer {
  return Buffer.from(`{"event":${n}}\n`);
}

export function rowOf(n: number): Suppression {
  return { tenant: "", address: `u${n}@example.net`, reason: "r", source: "api", since: 0, until: null };
}
