/**
 * What administrators ask of the queue and order it to do. Reading is bounded by the page; choosing by domain
 * walks the queue once. Ids are looked up, never joined to a path.
 */
import { isId, splitId } from "#base/ids.ts";
import type { QueueEntry, QueuePage, QueueQuery, QueueSelector } from "#contract/admin-api.ts";
import type { QueueSearch, SearchPage } from "#contract/insight-api.ts";

import { type Entry, entryId, statusOf } from "./entry.ts";
import { matcherOf } from "./filter.ts";
import type { Queue } from "./queue.ts";

/** Pages follow the ids, not the order of arrival: an entry that leaves between two pages shifts nothing. */
export function queryQueue(queue: Queue, query: QueueQuery): QueuePage {
  const page = new Page(query.limit + 1);
  const after = query.after === undefined ? null : parseId(query.after);
  for (const entry of queue.entries()) {
    if (after !== null && compare(entry, after) <= 0) continue;
    if (page.hasRoomFor(entry) && matches(entry, query)) page.add(entry);
  }
  const found = page.entries.slice(0, query.limit);
  const last = found.at(-1);
  const hasMore = page.entries.length > query.limit && last !== undefined;
  return { entries: found.map(describeEntry), next: hasMore ? entryId(last) : null };
}

/** As `queryQueue`, by any fact, with the number of all that were found. */
export function searchQueue(queue: Queue, { filter, limit, after }: QueueSearch, now: number): SearchPage {
  const page = new Page(limit + 1);
  const place = after === undefined ? null : parseId(after);
  const isMeant = matcherOf(filter, now);
  let matched = 0;
  for (const entry of queue.entries()) {
    if (!isMeant(entry)) continue;
    matched++;
    if (place !== null && compare(entry, place) <= 0) continue;
    if (page.hasRoomFor(entry)) page.add(entry);
  }
  const found = page.entries.slice(0, limit);
  const last = found.at(-1);
  const hasMore = page.entries.length > limit && last !== undefined;
  return { entries: found.map(describeEntry), next: hasMore ? entryId(last) : null, matched };
}

/** By id; most are told apart by when their ids were made, which costs less than spelling them. */
interface Place {
  readonly madeAt: number | null;
  readonly messageId: string;
  readonly recipient: number;
}

function parseId(id: string): Place {
  const [messageId = "", recipient = ""] = id.split("/");
  const madeAt = isId(messageId) ? splitId(messageId).ms : null;
  return { madeAt, messageId, recipient: /^\d+$/.test(recipient) ? Number(recipient) : -1 };
}

function placeOf({ message, recipient }: Entry): Place {
  return { madeAt: message.idMadeAt, messageId: message.id, recipient };
}

/** Below 0 where the entry is in front of the place. */
function compare({ message, recipient }: Entry, place: Place): number {
  const madeAt = message.idMadeAt;
  if (madeAt !== null && place.madeAt !== null && madeAt !== place.madeAt) return madeAt - place.madeAt;
  const { id } = message;
  if (id === place.messageId) return recipient - place.recipient;
  return id < place.messageId ? -1 : 1;
}

/** The first few entries by id of all that it is shown. */
class Page {
  readonly entries: Entry[] = [];
  readonly #size: number;
  /** Of the last one, while there is no room for more. */
  #end: Place | null = null;

  constructor(size: number) {
    this.#size = size;
  }

  hasRoomFor(entry: Entry): boolean {
    return this.#end === null || compare(entry, this.#end) < 0;
  }

  add(entry: Entry): void {
    const place = placeOf(entry);
    let at = this.entries.length;
    while (at > 0 && compare(this.entries[at - 1] as Entry, place) > 0) at--;
    this.entries.splice(at, 0, entry);
    if (this.entries.length > this.#size) this.entries.pop();
    const last = this.entries.at(-1);
    if (this.entries.length === this.#size && last !== undefined) this.#end = placeOf(last);
  }
}

/** The entries that a selector means; one that names nothing means none. */
export function selectEntries(queue: Queue, selector: QueueSelector): Entry[] {
  const { ids } = selector;
  const recipientDomain = selector.recipientDomain?.toLowerCase();
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
  if (query.recipientDomain !== undefined && entry.destination.domain !== query.recipientDomain.toLowerCase())
    return false;
  return query.status === undefined || statusOf(entry) === query.status;
}

export function describeEntry(entry: Entry): QueueEntry {
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
