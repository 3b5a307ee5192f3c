/**
 * What administrators ask of the queue and order it to do. Reading is bounded by the page; choosing by domain
 * walks the queue once. Ids are looked up, never joined to a path.
 */
import type { QueueEntry, QueuePage, QueueQuery, QueueSelector } from "#contract/admin-api.ts";

import { type Entry, entryId } from "./entry.ts";
import type { Queue } from "./queue.ts";

type Status = QueueEntry["status"];

export function queryQueue(queue: Queue, query: QueueQuery): QueuePage {
  const found: QueueEntry[] = [];
  let isPast = query.after === undefined;
  let last: string | null = null;
  for (const entry of queue.entries()) {
    if (!isPast) {
      isPast = entryId(entry) === query.after;
      continue;
    }
    if (!matches(entry, query)) continue;
    if (found.length === query.limit) return { entries: found, next: last };
    found.push(describeEntry(entry));
    last = entryId(entry);
  }
  return { entries: found, next: null };
}

/** The entries that a selector means; one that names nothing means none. */
export function selectEntries(queue: Queue, selector: QueueSelector): Entry[] {
  const { ids, recipientDomain } = selector;
  const candidates =
    ids === undefined
      ? recipientDomain === undefined
        ? []
        : queue.entries()
      : ids.flatMap((id) => byId(queue, id));
  return [...candidates].filter(
    (entry) => recipientDomain === undefined || entry.destination.domain === recipientDomain,
  );
}

function byId(queue: Queue, id: string): Entry[] {
  const [messageId = "", recipient] = id.split("/");
  return queue
    .find(messageId)
    .filter((entry) => recipient === undefined || String(entry.recipient) === recipient);
}

function matches(entry: Entry, query: QueueQuery): boolean {
  if (entry.phase === "gone") return false;
  if (query.recipientDomain !== undefined && entry.destination.domain !== query.recipientDomain.toLowerCase())
    return false;
  return query.status === undefined || statusOf(entry) === query.status;
}

function statusOf(entry: Entry): Status {
  if (entry.phase === "hold") return "hold";
  return entry.phase === "waiting" ? "deferred" : "active";
}

function describeEntry(entry: Entry): QueueEntry {
  const { message } = entry;
  return {
    id: entryId(entry),
    messageId: message.id,
    sender: message.envelope.sender,
    recipient: message.envelope.recipients[entry.recipient] ?? "",
    transportId: entry.destination.transportId,
    status: statusOf(entry),
    attempts: entry.attempts,
    receivedAt: new Date(message.receivedAt).toISOString(),
    dueAt: new Date(entry.dueAt).toISOString(),
    lastReply: entry.lastReply,
    sizeBytes: message.sizeBytes,
  };
}
