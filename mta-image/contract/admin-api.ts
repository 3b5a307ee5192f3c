/**
 * The admin API of one engine: every request and answer as a schema. The engine, mtactl, the web page and
 * the operator share it. All paths need `Authorization: Bearer <token>` or a client certificate.
 *
 *   GET  /v1/status            EngineStatus
 *   PUT  /v1/config            ConfigPush -> ConfigResult (422 with problems: the running one stays)
 *   POST /v1/config/reload     (reads the files again) -> ConfigResult
 *   POST /v1/drain             DrainRequest -> EngineStatus
 *   POST /v1/spread            SpreadRequest -> EngineStatus (409 unless it serves)
 *   PUT  /v1/suppressions/sources  (suppression-sharing.ts) SourcesOrder -> SharingState
 *   POST /v1/spamhaus/probe    (spamhaus-api.ts) ProbeRequest -> ProbeResult
 *   GET  /v1/queue             QueueQuery -> QueuePage
 *   POST /v1/queue/retry       QueueSelector -> QueueChange (due now)
 *   POST /v1/queue/hold        QueueSelector -> QueueChange
 *   POST /v1/queue/release     QueueSelector -> QueueChange
 *   POST /v1/queue/bounce      QueueSelector -> QueueChange (fails them, notices are sent)
 * Errors: ApiError with 400 (shape), 401, 404, 409, 422.
 */
import { z } from "zod";

import { Peer } from "./peer.ts";
import { SpamhausState } from "./spamhaus-api.ts";
import { PluginState } from "./plugins-api.ts";
import { ShareState } from "./rules-api.ts";
import { SharingState } from "./suppression-sharing.ts";

export const Problem = z.object({
  /** File that holds the mistake, e.g. "smtpd-app.yaml". */
  file: z.string(),
  /** Path inside it, e.g. "servers[0].transport"; "" for the file itself. */
  path: z.string(),
  reason: z.string(),
});
export type Problem = z.infer<typeof Problem>;

export const QueueFigures = z.object({
  /** Recipients in the queue, all states. */
  total: z.int().nonnegative(),
  /** Being tried, or due and waiting for a place. */
  active: z.int().nonnegative(),
  /** Waiting for their next attempt. */
  deferred: z.int().nonnegative(),
  hold: z.int().nonnegative(),
  /** Age in seconds of the entry that has been due for longest; 0 when none is due. */
  oldestDueSeconds: z.number().nonnegative(),
  /** Of `active`: due, and held back by a suspension or a policy, which more engines would not change. */
  blocked: z.int().nonnegative().optional(),
  /** As oldestDueSeconds, of entries that no rule holds back. */
  oldestFreeSeconds: z.number().nonnegative().optional(),
  /** Of `active`: waiting in line, and as well tried by any other engine of the cluster. */
  portable: z.int().nonnegative().optional(),
  /** When the first of `deferred` is due; null: none is deferred. */
  nextDueAt: z.iso.datetime().nullable().optional(),
});
export type QueueFigures = z.infer<typeof QueueFigures>;

export const HandoverFigures = z.object({
  /** Messages given to peers since start. */
  given: z.int().nonnegative(),
  /** Messages that a peer may have or not have: nobody tries them until the peer has told. */
  unanswered: z.int().nonnegative(),
  /** What it waits for, or null. */
  waitsFor: z.string().nullable(),
  /** Recipients that it was told to spread and that have not gone yet. Absent here and below: it cannot spread. */
  spreading: z.int().nonnegative().optional(),
  /** Recipients that it has spread since start. */
  spread: z.int().nonnegative().optional(),
});
export type HandoverFigures = z.infer<typeof HandoverFigures>;

/** Where the last sessions came from that brought mail over the network, as sockets or proxies say. */
export const RecentClients = z.object({
  sessions: z.int().nonnegative(),
  /** Each with a part of them, the most frequent first. */
  addresses: z.array(z.object({ address: z.string().max(45), sessions: z.int().positive() })).max(64),
});
export type RecentClients = z.infer<typeof RecentClients>;

export const EngineStatus = z.object({
  version: z.string(),
  startedAt: z.iso.datetime(),
  /** What the configuration in force was called by whoever pushed it, or a hash of the files read. */
  revision: z.string(),
  /**
   * Serving: takes mail. Cordoned: answers 421 to new mail and goes on delivering. Draining: as Cordoned, and hands
   * its queue to peers. Fenced: as Cordoned, and tries nothing either, also after a restart. Stopping: shutting down.
   */
  state: z.enum(["Serving", "Cordoned", "Draining", "Fenced", "Stopping"]),
  ready: z.boolean(),
  queue: QueueFigures,
  /** Why the spool takes no mail, or null. */
  spoolClosed: z.string().nullable(),
  /** Room on the volume of the spool; below the floor new mail is refused. Null: it cannot be read. */
  spool: z
    .object({ freeBytes: z.number().nonnegative().nullable(), floorBytes: z.number().nonnegative() })
    .optional(),
  /** It takes no mail, holds none, and has written so on its volume. Absent from engines that do not write it. */
  drained: z.boolean().optional(),
  /** Share of the time in which the event loop was busy lately, 0 to 1: what keeps a process from doing more. */
  busy: z.number().min(0).max(1).optional(),
  sessions: z.int().nonnegative(),
  deliveries: z.int().nonnegative(),
  /** Absent from engines that do not keep them. */
  clients: RecentClients.optional(),
  /** Counted since start. */
  totals: z.object({
    accepted: z.int().nonnegative(),
    delivered: z.int().nonnegative(),
    deferred: z.int().nonnegative(),
    failed: z.int().nonnegative(),
    unclear: z.int().nonnegative(),
    /** Messages and recipients that sessions refused. Absent here and below: this engine does not count it. */
    refused: z.int().nonnegative().optional(),
    /** Messages among these that were refused because the disk was full. */
    refusedForRoom: z.int().nonnegative().optional(),
    /** Runs of scripts that ended with an error. */
    scriptErrors: z.int().nonnegative().optional(),
    /** Attempts that have ended, and how long they took together. */
    attempts: z.int().nonnegative().optional(),
    attemptSeconds: z.number().nonnegative().optional(),
  }),
  /** Messages that were refused since start because a quota was full. */
  overQuota: z.int().nonnegative().optional(),
  plugins: z.array(PluginState),
  /** Its part of the limits of the cluster; absent from engines that do not tell. */
  share: ShareState.optional(),
  /** Absent from engines that cannot hand over. */
  handover: HandoverFigures.optional(),
  /** Null while it asks nothing; absent from engines that cannot tell. */
  spamhaus: SpamhausState.nullable().optional(),
  /** Null while it keeps no suppression list; absent from engines that share none. */
  suppression: SharingState.nullable().optional(),
});
export type EngineStatus = z.infer<typeof EngineStatus>;

export const ConfigPush = z.object({
  revision: z.string().min(1).max(128),
  /** Text of the reloadable files by name; smtpd-app.yaml is required. */
  files: z.record(z.string().max(64), z.string().max(1_048_576)),
});
export type ConfigPush = z.infer<typeof ConfigPush>;

export const ConfigResult = z.object({ revision: z.string() });
export type ConfigResult = z.infer<typeof ConfigResult>;

/** `peers` with Drain: who takes the queue. With the other modes: who may owe an answer from an earlier drain. */
export const DrainRequest = z.object({
  mode: z.enum(["Serve", "Cordon", "Drain", "Fence"]),
  peers: z.array(Peer).max(500).default([]),
});
/** The state of an engine under each. */
export const stateUnder = {
  Serve: "Serving",
  Cordon: "Cordoned",
  Drain: "Draining",
  Fence: "Fenced",
} as const;
export type DrainRequest = z.infer<typeof DrainRequest>;
export type DrainOrder = z.input<typeof DrainRequest>;

/** Go on serving, and hand due mail over: to each peer at most so many recipients. Replaces what was ordered before. */
export const SpreadRequest = z.object({
  peers: z
    .array(Peer.extend({ recipients: z.int().min(1).max(1_000_000) }))
    .min(1)
    .max(500),
});
export type SpreadRequest = z.infer<typeof SpreadRequest>;

export const QueueQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  after: z.string().max(64).optional(),
  recipientDomain: z.string().max(255).optional(),
  status: z.enum(["active", "deferred", "hold"]).optional(),
});
export type QueueQuery = z.infer<typeof QueueQuery>;

export const QueueEntry = z.object({
  /** "<message id>/<recipient index>". */
  id: z.string(),
  messageId: z.string(),
  sender: z.string(),
  recipient: z.string(),
  transportId: z.string(),
  status: z.enum(["active", "deferred", "hold"]),
  attempts: z.int().nonnegative(),
  receivedAt: z.iso.datetime(),
  dueAt: z.iso.datetime(),
  lastReply: z.string(),
  sizeBytes: z.int().nonnegative(),
});
export type QueueEntry = z.infer<typeof QueueEntry>;

export const QueuePage = z.object({ entries: z.array(QueueEntry), next: z.string().nullable() });
export type QueuePage = z.infer<typeof QueuePage>;

/** At least one of the two; both must match. */
export const QueueSelector = z.object({
  ids: z.array(z.string().max(64)).max(10_000).optional(),
  recipientDomain: z.string().max(255).optional(),
});
export type QueueSelector = z.infer<typeof QueueSelector>;

export const QueueChange = z.object({ changed: z.int().nonnegative() });
export type QueueChange = z.infer<typeof QueueChange>;

export const ApiError = z.object({
  /** Stable code, see docs/errors.md. */
  code: z.string(),
  message: z.string(),
  problems: z.array(Problem).optional(),
});
export type ApiError = z.infer<typeof ApiError>;
