/**
 * Everything that can go wrong in a call to the API server, as one table: the HTTP status (and, where one status
 * means two things, the reason in the Status object) becomes a stable code and whether the same call may succeed
 * later. Pure: nothing here talks to anyone. The codes are listed in kube.ts.
 */
import { Failure } from "#base/error.ts";

export type KubeCode =
  | "not-found"
  | "conflict"
  | "already-exists"
  | "gone"
  | "throttled"
  | "refused"
  | "invalid"
  | "unreachable"
  | "broken";

export class KubeFailure extends Failure {
  override readonly name = "KubeFailure";
  override readonly code: KubeCode;
  /** The HTTP status, or null when no answer came. */
  readonly status: number | null;
  /** How long the server asked to wait (Retry-After), or null. */
  readonly retryAfterMs: number | null;

  constructor(
    code: KubeCode,
    message: string,
    options: { status?: number; retryAfterMs?: number; transient?: boolean; cause?: unknown } = {},
  ) {
    super(code, message, { transient: options.transient ?? TRANSIENT[code], cause: options.cause });
    this.code = code;
    this.status = options.status ?? null;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** Whether repeating the same call can help. A conflict needs a fresh read first, which the next pass does. */
const TRANSIENT: Readonly<Record<KubeCode, boolean>> = {
  "not-found": false,
  conflict: true,
  "already-exists": true,
  gone: true,
  throttled: true,
  refused: false,
  invalid: false,
  unreachable: true,
  broken: true,
};

const BY_STATUS: Readonly<Record<number, KubeCode>> = {
  400: "invalid",
  401: "refused",
  403: "refused",
  404: "not-found",
  405: "invalid",
  406: "invalid",
  408: "unreachable",
  409: "conflict",
  410: "gone",
  413: "invalid",
  415: "invalid",
  422: "invalid",
  429: "throttled",
  500: "broken",
  502: "unreachable",
  503: "unreachable",
  504: "unreachable",
};

/** The parts of a Status object (k8s.io/apimachinery metav1.Status) that decide something. */
export interface StatusAnswer {
  readonly status: number;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
}

/** `what` names the call for the message: "apply pods mail/out-0". */
export function failureOf(what: string, answer: StatusAnswer): KubeFailure {
  const code = codeOf(answer);
  const said = answer.message === undefined || answer.message === "" ? answer.reason : answer.message;
  const seconds = answer.retryAfterSeconds;
  return new KubeFailure(code, `${what}: ${answer.status} ${limit(said ?? "no message")}`, {
    status: answer.status,
    // A token that has just been rotated is refused once and accepted after the next read of its file.
    transient: answer.status === 401 || TRANSIENT[code],
    ...(seconds !== undefined && seconds >= 0 ? { retryAfterMs: Math.min(seconds, 300) * 1000 } : {}),
  });
}

export function codeOf(answer: StatusAnswer): KubeCode {
  if (answer.status === 409 && answer.reason === "AlreadyExists") return "already-exists";
  // A stale continue token or resourceVersion is sometimes reported as 400/500 with the reason Expired.
  if (answer.reason === "Expired" || answer.reason === "Gone") return "gone";
  // A server that cannot take writes for a moment (storage not initialised, etcd leader lost).
  if (answer.reason === "TooManyRequests") return "throttled";
  const known = BY_STATUS[answer.status];
  if (known !== undefined) return known;
  return answer.status >= 400 && answer.status < 500 ? "invalid" : "broken";
}

/** No answer at all: refused connection, cut line, deadline. The write may or may not have happened. */
export function unreachable(what: string, cause: unknown): KubeFailure {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new KubeFailure("unreachable", `${what}: no answer from the API server: ${limit(text)}`, { cause });
}

export function isKubeFailure(error: unknown, code?: KubeCode): error is KubeFailure {
  return error instanceof KubeFailure && (code === undefined || error.code === code);
}

/** Server messages can quote whole objects; a log line and a condition need the beginning. */
function limit(text: string): string {
  return text.length <= 1000 ? text : `${text.slice(0, 1000)}…`;
}
