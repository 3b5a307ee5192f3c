/**
 * Which entries a filter means, and how they fall into groups (pure). Everything is compared without regard to case,
 * as text: nothing that an administrator types is run as a pattern.
 */
import type { GroupQuery, QueueFilter, QueueGroups } from "#contract/insight-api.ts";

import { domainOf } from "../message/envelope.ts";
import { facts } from "../spool/packed-facts.ts";
import { type Entry, entryId, statusOf } from "./entry.ts";

type Test = (entry: Entry) => boolean;

/** All tests of the filter in one function, so that a walk over the queue asks only what was said. */
export function matcherOf(filter: QueueFilter, now: number): Test {
  const tests = [...textTests(filter), ...factTests(filter, now)];
  return (entry) => tests.every((test) => test(entry));
}

function textTests({ ids, text, sender, recipient, reply }: QueueFilter): Test[] {
  const tests: Test[] = [];
  if (ids !== undefined) {
    const wanted = new Set(ids);
    tests.push((entry) => wanted.has(entry.message.id) || wanted.has(entryId(entry)));
  }
  if (sender !== undefined)
    tests.push(
      soughtIn(
        sender,
        holding(sender, (entry) => entry.message.addresses.sender),
      ),
    );
  if (recipient !== undefined) tests.push(soughtIn(recipient, holding(recipient, addressOf)));
  if (reply !== undefined) tests.push(holding(reply, (entry) => entry.lastReply));
  if (text !== undefined) tests.push(anywhere(text));
  return tests;
}

function holding(part: string, read: (entry: Entry) => string): Test {
  const wanted = part.toLowerCase();
  return (entry) => read(entry).toLowerCase().includes(wanted);
}

/** Most of a long queue is told apart without unpacking anything. */
function soughtIn(part: string, test: Test): Test {
  const seeker = facts.seeker(part);
  return (entry) => entry.message.mayHold(seeker) && test(entry);
}

/** In the sender, in the recipient, or in the id where that may be: ids have letters and figures alone. */
function anywhere(part: string): Test {
  const inSender = holding(part, ({ message }) => message.addresses.sender);
  const inRecipient = holding(part, addressOf);
  const inAddress = soughtIn(part, (entry) => inSender(entry) || inRecipient(entry));
  if (!/^[0-9a-z]{1,26}$/i.test(part)) return inAddress;
  const inId = holding(part, ({ message }) => message.id);
  return (entry) => inAddress(entry) || inId(entry);
}

const exactFields = [
  "senderDomain",
  "recipientDomain",
  "transportId",
  "jobId",
  "tenantId",
  "remoteIp",
] as const;

function factTests(filter: QueueFilter, now: number): Test[] {
  const { status, minAttempts, minAgeSeconds, maxAgeSeconds } = filter;
  const tests: Test[] = [];
  for (const field of exactFields) {
    const wanted = filter[field]?.toLowerCase();
    if (wanted !== undefined) tests.push((entry) => factOf(entry, field).toLowerCase() === wanted);
  }
  if (status !== undefined) tests.push((entry) => statusOf(entry) === status);
  if (minAttempts !== undefined) tests.push((entry) => entry.attempts >= minAttempts);
  if (minAgeSeconds !== undefined) tests.push((entry) => ageSeconds(entry, now) >= minAgeSeconds);
  if (maxAgeSeconds !== undefined) tests.push((entry) => ageSeconds(entry, now) <= maxAgeSeconds);
  return tests;
}

/** Groups that are spans of time have an order of their own; of the others the largest come first. */
export function groupEntries(entries: Iterable<Entry>, query: GroupQuery, now: number): QueueGroups {
  const counts = new Map<string, number>();
  const matches = matcherOf(query.filter, now);
  let matched = 0;
  for (const entry of entries) {
    if (!matches(entry)) continue;
    matched++;
    const key = groupOf(entry, query.by, now);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const groups = [...counts].map(([key, count]) => ({ key, count })).sort((a, b) => b.count - a.count);
  const shown = groups.slice(0, query.limit);
  const others = matched - shown.reduce((sum, { count }) => sum + count, 0);
  return { groups: shown, others, matched };
}

function groupOf(entry: Entry, by: GroupQuery["by"], now: number): string {
  switch (by) {
    case "age":
      return spanOf(ageSeconds(entry, now));
    case "nextRetry":
      return entry.dueAt <= now ? "due" : spanOf((entry.dueAt - now) / 1000);
    case "status":
      return statusOf(entry);
    case "attempts":
      return String(entry.attempts);
    case "reply":
      return entry.lastReply;
    case "sender":
      return entry.message.addresses.sender;
    default:
      return factOf(entry, by);
  }
}

function factOf(entry: Entry, field: (typeof exactFields)[number]): string {
  switch (field) {
    case "senderDomain":
      return senderDomainOf(entry);
    case "recipientDomain":
      return entry.destination.domain;
    case "transportId":
      return entry.destination.transportId;
    case "jobId":
      return entry.destination.jobId;
    case "tenantId":
      return entry.destination.tenantId;
    case "remoteIp":
      return entry.message.origin.remoteIp;
    default:
      return field satisfies never;
  }
}

function senderDomainOf({ message }: Entry): string {
  const { sender } = message.addresses;
  return sender === "" ? "" : domainOf(sender);
}

const spans = [
  [60, "0..1m"],
  [300, "1m..5m"],
  [900, "5m..15m"],
  [3600, "15m..1h"],
  [14_400, "1h..4h"],
  [86_400, "4h..1d"],
  [259_200, "1d..3d"],
] as const;

function spanOf(seconds: number): string {
  return spans.find(([end]) => seconds < end)?.[1] ?? "3d..";
}

function addressOf({ message, recipient }: Entry): string {
  return message.addresses.recipients[recipient] ?? "";
}

function ageSeconds(entry: Entry, now: number): number {
  return (now - entry.message.receivedAt) / 1000;
}
