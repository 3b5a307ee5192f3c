/**
 * Suppression lists that the engines of a cluster share. Each engine asks a few others, its sources, every few seconds
 * for what has changed in their lists behind the place that it has come to. Of two versions of a row the later wins, so
 * rows may come twice, in any order and by any way. What is deleted stays as a row that is `gone`, for a time.
 *
 *   PUT /v1/suppressions/sources  SourcesOrder -> SharingState: from now on these, and no others
 *   GET /v1/suppressions/changes  ChangesQuery -> Changes
 */
import { z } from "zod";

import { Peer } from "./peer.ts";

/** In one answer. */
export const mostChanges = 500;

export const SharedRow = z.strictObject({
  tenant: z.string().max(255),
  /** In lower case. */
  address: z.string().min(1).max(1000),
  reason: z.string().max(128),
  source: z.enum(["bounce", "complaint", "api"]),
  /** Wall-clock ms, as those below. */
  since: z.int().nonnegative(),
  /** Null: no end. Of one that is gone: when that may be forgotten. */
  until: z.int().nonnegative().nullable(),
  /** When it was written by whoever wrote it; grows with each version of the row. */
  changed: z.int().nonnegative(),
  gone: z.boolean(),
});
export type SharedRow = z.infer<typeof SharedRow>;

/**
 * `list` and `after` as in the last answer that is on the asker's disk: all up to there is safe with it. For another list
 * than ours, and beyond our end, the answer begins at the beginning.
 */
export const ChangesQuery = z.strictObject({
  list: z.string().max(64).default(""),
  after: z.coerce.number().int().min(0).default(0),
});
export type ChangesQuery = z.infer<typeof ChangesQuery>;

export const Changes = z.strictObject({
  /** Made up with the list; a new volume has another one. */
  list: z.string().min(1).max(64),
  rows: z.array(SharedRow).max(mostChanges),
  /** Where the next answer goes on. */
  after: z.int().nonnegative(),
  isMore: z.boolean(),
});
export type Changes = z.infer<typeof Changes>;

export const SourcesOrder = z.strictObject({ peers: z.array(Peer).max(32) });
export type SourcesOrder = z.infer<typeof SourcesOrder>;

export const SharingState = z.object({
  /** Whom it asks, each as "name url"; empty until somebody has said. */
  sources: z.array(z.string().max(2048)).max(32),
  /** It has written something that nobody has fetched yet. */
  unshared: z.boolean(),
  /** Recipients on the list. */
  size: z.int().nonnegative(),
});
export type SharingState = z.infer<typeof SharingState>;
