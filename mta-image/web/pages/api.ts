/**
 * The one way to the server. A call rejects with a CallError whose message is a sentence for the reader; a session that
 * has ended is told to whoever listens, so that the log-in comes up wherever one is.
 */
import type {
  AuditList,
  ClusterConfig,
  ClusterDeliveries,
  ClusterGroups,
  ClusterMessage,
  ClusterMetrics,
  ClusterOrderResult,
  ClusterPage,
  ClusterPolicies,
  ClusterSuspensions,
  LoggedOut,
  LoginWays,
  Overview,
  RuleResult,
  Series,
  SessionView,
} from "#web/shared/web-api.ts";
import type { GroupQuery, MoveTarget, QueueFilter, QueueOrder } from "#contract/insight-api.ts";

import { t } from "./strings.ts";

export class CallError extends Error {
  override readonly name = "CallError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

let csrf = "";
let onSessionEnd: () => void = () => {};

export function listenForSessionEnd(listener: () => void): void {
  onSessionEnd = listener;
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`/api${path}`, {
    method,
    headers: {
      ...(method === "GET" ? {} : { "x-csrf-token": csrf }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch(() => {
    throw new CallError(0, t("noServer"));
  });
  const json: unknown = await response.json().catch(() => null);
  if (response.ok) return json as T;
  if (response.status === 401 && path !== "/login") onSessionEnd();
  const { message } = (json ?? {}) as { message?: string };
  throw new CallError(response.status, message ?? t("serverSaid", { status: response.status }));
}

async function session(answer: Promise<SessionView>): Promise<SessionView> {
  const view = await answer;
  csrf = view.csrf;
  return view;
}

export type Order = { action: QueueOrder["action"]; filter: QueueFilter; to?: MoveTarget; dryRun: boolean };

export const api = {
  session: () => session(call("GET", "/session")),
  login: (user: string, password: string) => session(call("POST", "/login", { user, password })),
  loginWays: () => call<LoginWays>("GET", "/login"),
  logout: () => call<LoggedOut>("POST", "/logout", {}),
  overview: () => call<Overview>("GET", "/overview"),
  series: () => call<Series>("GET", "/series"),
  search: (filter: QueueFilter, after: string | null) =>
    call<ClusterPage>("POST", "/queue/search", { filter, limit: 200, ...(after === null ? {} : { after }) }),
  groups: (filter: QueueFilter, by: GroupQuery["by"]) =>
    call<ClusterGroups>("POST", "/queue/groups", { filter, by }),
  change: (order: Order) => call<ClusterOrderResult>("POST", "/queue/change", order),
  message: (engine: string, id: string) =>
    call<ClusterMessage>("GET", `/engines/${encodeURIComponent(engine)}/messages/${encodeURIComponent(id)}`),
  policies: () => call<ClusterPolicies>("GET", "/policies"),
  suspensions: () => call<ClusterSuspensions>("GET", "/suspensions"),
  putRule: (kind: "policies" | "suspensions", id: string, rule: object) =>
    call<RuleResult>("PUT", `/${kind}/${encodeURIComponent(id)}`, rule),
  deleteRule: (kind: "policies" | "suspensions", id: string) =>
    call<RuleResult>("DELETE", `/${kind}/${encodeURIComponent(id)}`),
  deliveries: () => call<ClusterDeliveries>("GET", "/deliveries"),
  config: () => call<ClusterConfig>("GET", "/config"),
  metrics: () => call<ClusterMetrics>("GET", "/metrics"),
  audit: () => call<AuditList>("GET", "/audit"),
};
