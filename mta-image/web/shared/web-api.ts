/**
 * The API between the pages and the server of the web administration: every request and answer as a schema. The server
 * checks by them and describes itself with them (/api/openapi.json); the pages import the types alone.
 *
 * An answer that several engines gave names those that gave none in `failures`: what is missing is never hidden.
 */
import { z } from "zod";

import { EngineStatus, QueueEntry } from "#contract/admin-api.ts";
import {
  AttemptView,
  Deliveries,
  GroupQuery,
  MessageView,
  Metrics,
  QueueGroups,
  QueueOrder,
  QueueSearch,
} from "#contract/insight-api.ts";
import { TraceItem, TraceQuery } from "#contract/trace-api.ts";
import { WarmUpView } from "#contract/warm-up-api.ts";
import { Explanations, PolicyList, SuspensionList } from "#contract/rules-api.ts";

const count = z.int().nonnegative();

export const roles = ["viewer", "operator", "admin"] as const;
export const Role = z.enum(roles);
export type Role = z.infer<typeof Role>;

export const Failures = z.array(z.object({ engine: z.string(), reason: z.string() }));
export type Failures = z.infer<typeof Failures>;

export const Login = z.strictObject({
  user: z.string().min(1).max(128),
  password: z.string().min(1).max(1024),
});

/** How one may log in; `signOn` is what the button for it says, null where there is no provider. */
export const LoginWays = z.object({
  title: z.string(),
  password: z.boolean(),
  signOn: z.string().nullable(),
});
export type LoginWays = z.infer<typeof LoginWays>;

/** `next`: where the browser has to go to end the session with an OpenID provider too. */
export const LoggedOut = z.object({ next: z.string().nullable() });
export type LoggedOut = z.infer<typeof LoggedOut>;

export const SessionView = z.object({
  user: z.string(),
  role: Role,
  /** To be sent back as x-csrf-token with everything that changes something. */
  csrf: z.string(),
  /** False when a proxy in front says who it is. */
  canLogOut: z.boolean(),
  title: z.string(),
});
export type SessionView = z.infer<typeof SessionView>;

export const Overview = z.object({
  engines: z.array(z.object({ name: z.string(), status: EngineStatus })),
  failures: Failures,
});
export type Overview = z.infer<typeof Overview>;

/** One look at the cluster; rates are per second since the look before, null when that cannot be said. */
export const SeriesPoint = z.object({
  at: z.number(),
  engines: count,
  silent: count,
  active: count,
  deferred: count,
  hold: count,
  oldestDueSeconds: z.number(),
  accepted: z.number().nullable(),
  delivered: z.number().nullable(),
  deferrals: z.number().nullable(),
  failed: z.number().nullable(),
});
export type SeriesPoint = z.infer<typeof SeriesPoint>;
export const Series = z.object({ points: z.array(SeriesPoint) });
export type Series = z.infer<typeof Series>;

export const ClusterEntry = QueueEntry.extend({ engine: z.string() });
export type ClusterEntry = z.infer<typeof ClusterEntry>;

export const ClusterSearch = QueueSearch;
export const ClusterPage = z.object({
  entries: z.array(ClusterEntry),
  next: z.string().nullable(),
  matched: count,
  failures: Failures,
});
export type ClusterPage = z.infer<typeof ClusterPage>;

export const ClusterGroupQuery = GroupQuery;
export const ClusterGroups = QueueGroups.extend({ failures: Failures });
export type ClusterGroups = z.infer<typeof ClusterGroups>;

export const ClusterOrder = QueueOrder;
export const ClusterOrderResult = z.object({
  matched: count,
  changed: count,
  engines: z.array(z.object({ engine: z.string(), matched: count, changed: count })),
  /** Engines whose answer is missing: there the order may have been done or not. */
  failures: Failures,
});
export type ClusterOrderResult = z.infer<typeof ClusterOrderResult>;

export const ClusterMessage = z.object({
  engine: z.string(),
  message: MessageView,
  explanations: Explanations,
});
export type ClusterMessage = z.infer<typeof ClusterMessage>;

/** A rule, the engines that have it, and whether they agree on what it says. */
const shared = { engines: z.array(z.string()), isSame: z.boolean() };
export const ClusterPolicies = z.object({
  policies: z.array(z.object({ ...shared, policy: PolicyList.shape.policies.element })),
  failures: Failures,
});
export type ClusterPolicies = z.infer<typeof ClusterPolicies>;
export const ClusterSuspensions = z.object({
  suspensions: z.array(z.object({ ...shared, suspension: SuspensionList.shape.suspensions.element })),
  failures: Failures,
});
export type ClusterSuspensions = z.infer<typeof ClusterSuspensions>;

/** A condition of a policy, or a suspension, that stands in a file. */
export const StaticRule = z.object({
  kind: z.enum(["policy", "suspension"]),
  /** Where in the file. */
  place: z.string(),
  fields: z.array(z.string()),
  match: z.array(z.string()),
  limits: z.array(z.string()),
});
export type StaticRule = z.infer<typeof StaticRule>;
export const ClusterStaticRules = z.object({
  /** Engines that have the same are together. */
  groups: z.array(z.object({ engines: z.array(z.string()), rules: z.array(StaticRule), further: count })),
  failures: Failures,
});
export type ClusterStaticRules = z.infer<typeof ClusterStaticRules>;

export const RuleResult = z.object({ changed: z.array(z.string()), failures: Failures });
export type RuleResult = z.infer<typeof RuleResult>;

export const ClusterWarmUp = WarmUpView.extend({
  /** Engines whose plan is another one: a change is on its way, or does not arrive. */
  differing: z.array(z.string()),
  failures: Failures,
});
export type ClusterWarmUp = z.infer<typeof ClusterWarmUp>;

export const ClusterDeliveries = z.object({
  since: z.string(),
  attempts: z.array(AttemptView.extend({ engine: z.string() })),
  destinations: Deliveries.shape.destinations,
  /** Bounces and deferrals by what kind of answer it was, the most frequent first; of engines that classify. */
  classes: z.array(z.object({ class: z.string(), outcome: AttemptView.shape.outcome, count })),
  failures: Failures,
});
export type ClusterDeliveries = z.infer<typeof ClusterDeliveries>;

export const ClusterConfig = z.object({
  revisions: z.array(
    z.object({
      revision: z.string(),
      engines: z.array(z.string()),
      files: z.record(z.string(), z.string()),
      /** Those in smtpd-app.yaml, by "hook/id", "predelivery", "postdelivery" or "files/id", each by itself. */
      scripts: z.record(z.string(), z.string()),
    }),
  ),
  failures: Failures,
});
export type ClusterConfig = z.infer<typeof ClusterConfig>;

const edits = z.record(z.string().max(300), z.string().max(1_048_576));
/** What somebody would change of a revision: whole texts, by the names that `ClusterConfig` has. */
export const ConfigProposal = z
  .strictObject({ revision: z.string().max(128), files: edits.default({}), scripts: edits.default({}) })
  .refine(
    ({ files, scripts }) => Object.keys(files).length + Object.keys(scripts).length <= 1000,
    "holds more than 1,000 texts",
  );
export type ConfigProposal = z.input<typeof ConfigProposal>;

export const ConfigVerdict = z.object({
  problems: z.array(z.object({ file: z.string(), path: z.string(), reason: z.string() })),
  /** Problems beyond those that are listed. */
  further: count,
  /** Scripts were not looked at: only an engine can, or they are too large. */
  isScriptsUnknown: z.boolean(),
  /** YAML for `kubectl patch mailcluster --type=merge`; null: nothing that a MailCluster says is changed, or it is no YAML. */
  manifest: z.string().nullable(),
  /** smtpd.yaml is changed, which the operator makes of other parts of the MailCluster. */
  isStartupChanged: z.boolean(),
});
export type ConfigVerdict = z.infer<typeof ConfigVerdict>;

export const rolloutOrders = ["pause", "resume", "promote", "rollback"] as const;
export type RolloutOrder = (typeof rolloutOrders)[number];

/** What the MailCluster says of its roll-out. `failure`: it cannot be asked, or orders are off; the engines still can be looked at. */
export const RolloutView = z.object({
  cluster: z
    .object({
      name: z.string(),
      namespace: z.string(),
      /** To be sent with an order: one that was changed meanwhile takes none. */
      resourceVersion: z.string(),
      /** The word that stands there: pause, promote, rollback. */
      word: z.string().nullable(),
      /** Nothing of the cluster is changed while this holds. */
      isPaused: z.boolean(),
      target: z.string().nullable(),
      lastGood: z.string().nullable(),
      phase: z.string().nullable(),
      since: z.string().nullable(),
      message: z.string().nullable(),
    })
    .nullable(),
  failure: z.object({ code: z.enum(["off", "kubernetes"]), message: z.string() }).nullable(),
});
export type RolloutView = z.infer<typeof RolloutView>;
export const RolloutRequest = z.strictObject({ resourceVersion: z.string().min(1).max(64) });

export const ClusterMetrics = z.object({
  engines: z.array(z.object({ name: z.string(), metrics: Metrics.shape.metrics })),
  failures: Failures,
});
export type ClusterMetrics = z.infer<typeof ClusterMetrics>;

/** As the engines take it, with names of those that are asked and no more than the server can pass on. */
export const ClusterTraceQuery = TraceQuery.extend({
  bytes: z.coerce.number().int().min(1).max(8_388_608).default(4_194_304),
  engines: z.array(z.string().min(1).max(253)).max(500).optional(),
});
export type ClusterTraceQuery = z.input<typeof ClusterTraceQuery>;

/** One line of the stream: what an engine said, or why it says nothing (more). */
export const ClusterTraceItem = z.object({
  engine: z.string(),
  item: TraceItem.optional(),
  failure: z.string().optional(),
});
export type ClusterTraceItem = z.infer<typeof ClusterTraceItem>;

export const AuditEntry = z.object({
  at: z.string(),
  user: z.string(),
  role: z.string(),
  address: z.string(),
  /** Such as "queue.change" or "login". */
  action: z.string(),
  /** What was asked, without secrets. */
  detail: z.string(),
  /** HTTP status of the answer. */
  status: z.int(),
  /** What came of it. */
  result: z.string(),
});
export type AuditEntry = z.infer<typeof AuditEntry>;
export const AuditList = z.object({ entries: z.array(AuditEntry) });
export type AuditList = z.infer<typeof AuditList>;
