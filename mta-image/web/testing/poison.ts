/**
 * Puts markup that would run into every text of every answer that a page gets, whatever an engine would really let through:
 * names of files and revisions, replies, headers, what is not yet thought of. Times and words of closed lists stay, since pages
 * take them for what they are.
 */
import type { Page } from "playwright-core";

import { hostile } from "./busy-fleet.ts";

/** What mail, and servers that it goes to, can fill. */
export const fieldsOfMail: ReadonlySet<string> = new Set([
  "sender",
  "recipient",
  "lastReply",
  "reply",
  "remoteMta",
  "helo",
  "remoteIp",
  "name",
  "value",
  "domain",
  "code",
  "engine",
  "revision",
  "files",
]);

const closed: ReadonlySet<string> = new Set([
  "direction",
  "status",
  "state",
  "outcome",
  "role",
  "csrf",
  "phase",
  "word",
  "kind",
]);
/** Whose keys are names that somebody else chose. */
const named: ReadonlySet<string> = new Set(["files", "scripts", "labels"]);

/** The names of the fields that held it, filled while pages ask. */
export async function poisonAnswers(page: Page): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  await page.route(/\/api\/(?!trace|session)/, async (route) => {
    // What is asked for by a name that came with it is asked for by its own.
    const url = route.request().url().replaceAll(encodeURIComponent(hostile), "");
    const response = await route.fetch({ url });
    const json: unknown = await response.json();
    await route.fulfill({ response, json: poisoned(json, "", seen) });
  });
  return seen;
}

/** The one answer that comes as lines: every text that an engine could fill holds it. */
export async function poisonTrace(page: Page): Promise<void> {
  const about = { remoteIp: "", remotePort: 25, listener: "", transportId: "", host: "" };
  const line = { at: new Date().toISOString(), session: "s", transaction: 1, text: "", messageId: "", about };
  const kinds = ["open", "client", "server", "tls", "content", "close"];
  const lines = ["in", "out"].flatMap((direction) =>
    kinds.map((kind) => ({ engine: "", item: poisoned({ ...line, direction, kind }, "", new Set()) })),
  );
  const all = [...lines, { engine: hostile, failure: hostile }].map((each) => ({ ...each, engine: hostile }));
  const body = all.map((each) => `${JSON.stringify(each)}\n`).join("");
  await page.route(/\/api\/trace/, (route) => route.fulfill({ contentType: "application/x-ndjson", body }));
}

function poisoned(value: unknown, field: string, seen: Set<string>): unknown {
  if (typeof value === "string") return isKept(value, field) ? value : withMarkup(value, field, seen);
  if (Array.isArray(value)) return value.map((each) => poisoned(each, field, seen));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      named.has(field) ? withMarkup(key, field, seen) : key,
      poisoned(each, key, seen),
    ]),
  );
}

function isKept(text: string, field: string): boolean {
  return closed.has(field) || /^\d{4}-\d\d-\d\d/.test(text);
}

function withMarkup(text: string, field: string, seen: Set<string>): string {
  seen.add(field);
  return `${text}${hostile}`;
}
