/**
 * Bytes from the API server to objects (pure). Everything that comes in passes here once: it must be JSON with the
 * metadata we rely on, `managedFields` (a third of most objects, never used) is dropped, and items of lists get the
 * apiVersion and kind that the server leaves out. Anything else is a KubeFailure "broken"; a Status object is turned
 * into the failure it describes.
 */
import { failureOf, KubeFailure } from "./errors.ts";
import type { KubeObject, ListPage, Resource, WatchEvent } from "./kube.ts";

type Json = Record<string, unknown>;

export interface RawAnswer {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  readonly text: string;
}

/** The body of a good answer as JSON; throws the failure a bad one stands for. */
export function decodeAnswer(what: string, answer: RawAnswer): unknown {
  if (answer.status >= 200 && answer.status < 300) return parse(what, answer.text);
  throw answerFailure(what, answer);
}

/** Proxies in between answer in plain text; then the status alone decides. */
export function answerFailure(what: string, answer: RawAnswer): KubeFailure {
  let body: Json = {};
  try {
    const parsed: unknown = JSON.parse(answer.text);
    if (isMap(parsed)) body = parsed;
  } catch {
    body = { message: answer.text };
  }
  return failureOf(what, { ...statusFields(body), status: answer.status, ...retry(answer, body) });
}

export function decodeObject<T extends KubeObject>(what: string, resource: Resource, value: unknown): T {
  if (!isMap(value) || !isMap(value["metadata"])) throw malformed(what, "an object without metadata");
  const metadata = value["metadata"];
  if (typeof metadata["name"] !== "string" || typeof metadata["resourceVersion"] !== "string") {
    throw malformed(what, "an object without name or resourceVersion");
  }
  delete metadata["managedFields"];
  value["apiVersion"] ??= resource.apiVersion;
  value["kind"] ??= resource.kind;
  return value as unknown as T;
}

export function decodeList<T extends KubeObject>(
  what: string,
  resource: Resource,
  value: unknown,
): ListPage<T> {
  if (!isMap(value) || !isMap(value["metadata"])) throw malformed(what, "a list without metadata");
  const { resourceVersion, continue: token } = value["metadata"];
  if (typeof resourceVersion !== "string") throw malformed(what, "a list without resourceVersion");
  const items = value["items"] ?? [];
  if (!Array.isArray(items)) throw malformed(what, "a list whose items are no list");
  return {
    items: items.map((item) => decodeObject<T>(what, resource, item)),
    resourceVersion,
    continueToken: typeof token === "string" && token !== "" ? token : null,
  };
}

/** One line of a watch. An ERROR event throws the failure it carries (410 becomes "gone"). */
export function decodeEvent<T extends KubeObject>(
  what: string,
  resource: Resource,
  line: string,
): WatchEvent<T> {
  const event = parse(what, line);
  if (!isMap(event) || !isMap(event["object"])) throw malformed(what, "an event without object");
  const object = event["object"];
  switch (event["type"]) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      return { type: event["type"], object: decodeObject<T>(what, resource, object) };
    case "BOOKMARK": {
      const version = isMap(object["metadata"]) ? object["metadata"]["resourceVersion"] : undefined;
      if (typeof version !== "string") throw malformed(what, "a bookmark without resourceVersion");
      return { type: "BOOKMARK", resourceVersion: version };
    }
    case "ERROR":
      throw failureOf(what, { ...statusFields(object), status: Number(object["code"]) || 500 });
    default:
      throw malformed(what, `an event of type ${String(event["type"])}`);
  }
}

export function isMap(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parse(what: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed(what, "something that is not JSON");
  }
}

function statusFields(body: Json): { reason: string | undefined; message: string | undefined } {
  const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
  return { reason: text(body["reason"]), message: text(body["message"]) };
}

function retry(answer: RawAnswer, body: Json): { retryAfterSeconds?: number } {
  const details = body["details"];
  const seconds =
    answer.retryAfterSeconds ?? (isMap(details) ? Number(details["retryAfterSeconds"]) : Number.NaN);
  return Number.isFinite(seconds) ? { retryAfterSeconds: seconds } : {};
}

function malformed(what: string, found: string): KubeFailure {
  return new KubeFailure("broken", `${what}: the API server sent ${found}`);
}
