/**
 * Spans as the JSON of OTLP/HTTP 1.x (pure): ExportTraceServiceRequest with one resource and one scope. Ids are hex, times
 * are strings of nanoseconds, kinds and codes are numbers, as the protocol's JSON mapping has them.
 */

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** "" for a root. */
  readonly parentId: string;
  readonly name: string;
  readonly kind: "server" | "client" | "internal";
  /** Wall-clock ms. */
  readonly start: number;
  readonly end: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** Null when all went well. */
  readonly error: string | null;
}

const KINDS = { internal: 1, server: 2, client: 3 } as const;

export interface Resource {
  readonly serviceName: string;
  readonly version: string;
  /** Of this engine. */
  readonly instance: string;
}

export function exportRequest(spans: readonly Span[], { serviceName, version, instance }: Resource): string {
  const resource = {
    "service.name": serviceName,
    "service.version": version,
    "service.instance.id": instance,
  };
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeSpans: [{ scope: { name: "mailfleet.smtpd", version }, spans: spans.map(toOtlp) }],
      },
    ],
  });
}

function toOtlp(span: Span): object {
  const { traceId, spanId, parentId, name, kind, start, end, attributes, error } = span;
  return {
    traceId,
    spanId,
    ...(parentId === "" ? {} : { parentSpanId: parentId }),
    name,
    kind: KINDS[kind],
    startTimeUnixNano: nanoseconds(start),
    endTimeUnixNano: nanoseconds(Math.max(start, end)),
    attributes: attributesOf(attributes),
    status: error === null ? {} : { code: 2, message: error },
  };
}

/** Exact: a number would lose the last digits. */
function nanoseconds(ms: number): string {
  return `${BigInt(Math.round(ms * 1000)) * 1000n}`;
}

function attributesOf(values: Readonly<Record<string, string | number>>): object[] {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value: typeof value === "string" ? { stringValue: value } : { intValue: String(Math.round(value)) },
  }));
}
