/** The filter of the queue as it stands in the address, and as the server wants it (pure). */
import type { QueueFilter } from "#contract/insight-api.ts";

import type { Key } from "../strings.ts";

export const textFields = [
  ["sender", "sender"],
  ["recipient", "recipient"],
  ["senderDomain", "senderDomain"],
  ["recipientDomain", "recipientDomain"],
  ["reply", "reply"],
  ["transportId", "transport"],
  ["jobId", "job"],
  ["tenantId", "tenant"],
  ["remoteIp", "remoteIp"],
] as const satisfies readonly (readonly [keyof QueueFilter, Key])[];

export const numberFields = [
  ["minAttempts", "minAttempts"],
  ["minAgeSeconds", "minAge"],
  ["maxAgeSeconds", "maxAge"],
] as const satisfies readonly (readonly [keyof QueueFilter, Key])[];

export const states = ["active", "deferred", "hold"] as const;

export type Query = Readonly<Record<string, string>>;

/** What is no number is left to the server, which says so. */
export function filterOf(query: Query): QueueFilter {
  const filter: Record<string, unknown> = {};
  for (const [field] of [["text"], ...textFields] as const) {
    const value = query[field]?.trim();
    if (value !== undefined && value !== "") filter[field] = value;
  }
  for (const [field] of numberFields) {
    const value = query[field]?.trim();
    if (value !== undefined && value !== "")
      filter[field] = Number.isNaN(Number(value)) ? value : Number(value);
  }
  const { status } = query;
  if (status !== undefined && status !== "") filter["status"] = status;
  return filter as QueueFilter;
}

/** The address that shows what one group holds; null for groups that no filter can name. */
export function narrowed(query: Query, by: string, key: string): Query | null {
  if (by === "attempts" || by === "age" || by === "nextRetry" || key === "") return null;
  return { ...query, [by]: key };
}
