/** What docs/events.md promises is what events hold: every kind, every field. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { eventTypes } from "#contract/events-config.ts";

import { outcome } from "../../testing/fake-courier.ts";
import { makeMessage } from "../../testing/messages.ts";
import type { Entry } from "../queue/entry.ts";
import { type MailEvent, outcomeEvent, receivedEvents } from "./mail-event.ts";

const page = readFileSync(new URL("../../../docs/events.md", import.meta.url), "utf8");
const table = page.slice(page.indexOf("## What an event holds"), page.indexOf("## Webhooks"));
/** Words in code spans of the first column. */
const fields = new Set(
  [...table.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name),
  ),
);

const envelope = { jobId: "job", tenantId: "tenant" };
const message = makeMessage({ recipients: ["ann@example.net"], envelope });
const destination = { transportId: "out", jobId: "job", tenantId: "tenant" };
const entry = { message, recipient: 0, attempts: 2, destination } as unknown as Entry;

function everyKind(): MailEvent[] {
  const kinds = ["delivered", "deferred", "failed", "unclear"] as const;
  const outcomes = kinds.map((kind) =>
    outcomeEvent(entry, { ...outcome(kind), class: kind === "delivered" ? "" : "policy" }, 0),
  );
  return [...receivedEvents(message, 0), ...outcomes];
}

test("every kind of event is made, and documented with each of its fields", () => {
  const events = everyKind();
  assert.deepEqual(new Set(events.map(({ type }) => type)).size, events.length);
  for (const type of eventTypes) assert.ok(page.includes(`\`${type}\``), type);
  for (const event of events) {
    assert.deepEqual(
      Object.keys(event).filter((name) => !fields.has(name)),
      [],
    );
  }
});
