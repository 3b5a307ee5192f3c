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
  ClusterStaticRules,
  ClusterSuspensions,
  ClusterTraceItem,
  ClusterTraceQuery,
  ClusterWarmUp,
  ConfigProposal,
  ConfigVerdict,
  LoggedOut,
  LoginWays,
  Overview,
  RolloutOrder,
  RolloutView,
  RuleResult,
  Series,
  SessionView,
} from "#web/shared/web-api.ts";
import type { GroupQuery, MoveTarget, QueueFilter, QueueOrder } from "#contract/insight-api.ts";

import { type Key, t } from "./strings.ts";

export class CallError extends Error {
  override readonly name = "CallError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

let csrf = "";
/** The session has ended: until there is another one nothing is asked that needs one. */
let isOut = false;
let onSessionEnd: () => void = () => {};
/** Told to whatever shows something, when a session follows one that ended. */
export const SESSION_BACK = "mailfleet-session";

export function listenForSessionEnd(listener: () => void): void {
  onSessionEnd = listener;
}

async function send(
  method: string,
  path: string,
  body?: unknown,
  signal: AbortSignal | null = null,
): Promise<Response> {
  return fetch(`/api${path}`, {
    method,
    headers: {
      ...(method === "GET" ? {} : { "x-csrf-token": csrf }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal,
  }).catch((cause: unknown) => {
    if (signal?.aborted === true) throw cause;
    throw new CallError(0, t("noServer"));
  });
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  if (isOut && !isWayIn(path)) throw new CallError(401, t("sessionEnded"));
  const response = await send(method, path, body);
  return response.ok ? ((await response.json().catch(() => null)) as T) : refuse(response, path);
}

/** Of what is changed: where no answer came it may have been done, which the reader has to know. */
async function act<T>(method: string, path: string, body?: unknown): Promise<T> {
  try {
    return await call<T>(method, path, body);
  } catch (cause) {
    if (!(cause instanceof CallError) || (cause.status > 0 && cause.status < 500)) throw cause;
    throw new CallError(cause.status, `${cause.message} ${t("doneOrNot")}`);
  }
}

function isWayIn(path: string): boolean {
  return path === "/login" || path === "/session";
}

/** Refusals that need no figures are said in the reader's language; others as the server says them. */
const refusals: Readonly<Record<string, Key>> = {
  "no-session": "sessionEnded",
  csrf: "refusedToken",
  "wrong-password": "refusedPassword",
  "too-many": "refusedTooMany",
};

async function refuse(response: Response, path: string): Promise<never> {
  const json: unknown = await response.json().catch(() => null);
  if (response.status === 401 && !isWayIn(path)) {
    isOut = true;
    onSessionEnd();
  }
  const { message, code = "" } = (json ?? {}) as { message?: string; code?: string };
  const known = Object.hasOwn(refusals, code) ? refusals[code] : undefined;
  const text = known === undefined ? message : t(known);
  throw new CallError(response.status, text ?? t("serverSaid", { status: response.status }));
}

async function session(answer: Promise<SessionView>): Promise<SessionView> {
  const view = await answer;
  csrf = view.csrf;
  if (isOut) {
    isOut = false;
    dispatchEvent(new Event(SESSION_BACK));
  }
  return view;
}

/**
 * Reads a trace until it ends or `signal` does; rejects with a CallError when it cannot begin or breaks off. Lines come in
 * the batches in which they arrive.
 */
async function trace(
  query: ClusterTraceQuery,
  signal: AbortSignal,
  onItems: (items: readonly ClusterTraceItem[]) => void,
): Promise<void> {
  const response = await send("POST", "/trace", query, signal);
  if (!response.ok || response.body === null) await refuse(response, "/trace");
  const reader = (response.body as ReadableStream<BufferSource>)
    .pipeThrough(new TextDecoderStream())
    .getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    onItems(lines.map((line) => JSON.parse(line) as ClusterTraceItem));
  }
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
  change: (order: Order) => (order.dryRun ? call : act)<ClusterOrderResult>("POST", "/queue/change", order),
  message: (engine: string, id: string) =>
    call<ClusterMessage>("GET", `/engines/${encodeURIComponent(engine)}/messages/${encodeURIComponent(id)}`),
  policies: () => call<ClusterPolicies>("GET", "/policies"),
  suspensions: () => call<ClusterSuspensions>("GET", "/suspensions"),
  staticRules: () => call<ClusterStaticRules>("GET", "/static-rules"),
  putRule: (kind: "policies" | "suspensions", id: string, rule: object) =>
    act<RuleResult>("PUT", `/${kind}/${encodeURIComponent(id)}`, rule),
  deleteRule: (kind: "policies" | "suspensions", id: string) =>
    act<RuleResult>("DELETE", `/${kind}/${encodeURIComponent(id)}`),
  deliveries: () => call<ClusterDeliveries>("GET", "/deliveries"),
  config: () => call<ClusterConfig>("GET", "/config"),
  warmUp: () => call<ClusterWarmUp>("GET", "/warm-up"),
  lint: (proposal: ConfigProposal) => call<ConfigVerdict>("POST", "/config/lint", proposal),
  rollout: () => call<RolloutView>("GET", "/rollout"),
  orderRollout: (order: RolloutOrder, resourceVersion: string) =>
    act<RolloutView>("POST", `/rollout/${order}`, { resourceVersion }),
  metrics: () => call<ClusterMetrics>("GET", "/metrics"),
  trace,
  audit: () => call<AuditList>("GET", "/audit"),
};
