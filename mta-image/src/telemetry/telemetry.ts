/**
 * Spans of mail for OpenTelemetry: the session that brought it, the message, each attempt to deliver it. Off unless
 * configured, and then told by the engine where these end. Never slows mail down; `prepare` alone throws, a Failure
 * `telemetry-headers-unusable`.
 */
import { readFile } from "node:fs/promises";

import type { Clock } from "#base/clock.ts";
import { Failure, describe } from "#base/error.ts";
import { makeId, splitId } from "#base/ids.ts";
import type { Log } from "#base/log.ts";
import type { TelemetryConfig } from "#contract/telemetry-config.ts";

import type { Attempt, Courier, Outcome } from "../queue/courier.ts";
import { wrapCourier } from "../queue/wrapped-courier.ts";
import type { SpooledMessage } from "../spool/spool.ts";
import { Exporter } from "./exporter.ts";
import type { Span } from "./otlp.ts";
import { isSampled, spanOf, traceOf, traceOfSession, traceparentOf } from "./span-ids.ts";

export interface EndedSession {
  readonly id: string;
  readonly remoteIp: string;
  readonly serverId: string;
}

export interface TelemetryOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  /** This engine's name. */
  readonly instance: () => string;
}

export class Telemetry {
  readonly #options: TelemetryOptions;
  #ratio = 0;
  #exporter: Exporter | null = null;
  #text = "";

  constructor(options: TelemetryOptions) {
    this.#options = options;
  }

  /** Makes ready what a configuration asks for; what comes back puts it in force. */
  async prepare(config: TelemetryConfig | undefined): Promise<() => Promise<void>> {
    const headers = config?.headersfile === undefined ? {} : await readHeaders(config.headersfile);
    const text = JSON.stringify([config, headers]);
    return async () => {
      if (text === this.#text) return;
      const before = this.#exporter;
      this.#text = text;
      this.#ratio = config?.ratio ?? 0;
      this.#exporter = config === undefined ? null : this.#open(config, headers);
      await before?.flush();
    };
  }

  /** Of a message, for whoever hears of it elsewhere; null while nothing is exported. */
  readonly traceparent = (message: Pick<SpooledMessage, "id" | "origin">): string | null =>
    this.#exporter === null ? null : traceparentOf(message, this.#ratio);

  sessionEnded({ id, remoteIp, serverId }: EndedSession): void {
    const traceId = this.#sampled(() => traceOfSession(id));
    if (traceId === null) return;
    this.#exporter?.add({
      traceId,
      spanId: spanOf("session", id),
      parentId: "",
      name: "smtp session",
      kind: "server",
      start: splitId(id).ms,
      end: this.#options.clock.now(),
      attributes: { "client.address": remoteIp, "mailfleet.server": serverId, "mailfleet.session": id },
      error: null,
    });
  }

  received(message: SpooledMessage): void {
    const traceId = this.#sampled(() => traceOf(message));
    if (traceId === null) return;
    const { id, origin, envelope, receivedAt, sizeBytes } = message;
    this.#exporter?.add({
      traceId,
      spanId: spanOf("message", id),
      parentId: origin.kind === "smtp" ? spanOf("session", origin.sessionId) : "",
      name: "message received",
      kind: "internal",
      start: Math.min(receivedAt, splitId(id).ms),
      end: this.#options.clock.now(),
      attributes: {
        "mailfleet.message": id,
        "mailfleet.recipients": envelope.recipients.length,
        "mailfleet.size": sizeBytes,
      },
      error: null,
    });
  }

  /** Tells of attempts on their way through. */
  courierBefore(inner: Courier): Courier {
    return wrapCourier(inner, (attempt) =>
      this.#exporter === null ? inner.deliver(attempt) : this.#deliver(attempt, inner),
    );
  }

  /** Sends what waits. */
  async close(): Promise<void> {
    await this.#exporter?.flush();
  }

  async #deliver(attempt: Attempt, inner: Courier): Promise<readonly Outcome[]> {
    const start = this.#options.clock.now();
    const outcomes = await inner.deliver(attempt);
    const traceId = this.#sampled(() => traceOf(attempt.message));
    if (traceId !== null) this.#exporter?.add(this.#attemptSpan(attempt, outcomes, { traceId, start }));
    return outcomes;
  }

  #attemptSpan(
    { message, destination, recipients }: Attempt,
    outcomes: readonly Outcome[],
    { traceId, start }: { traceId: string; start: number },
  ): Span {
    const bad = outcomes.find(({ kind }) => kind !== "delivered");
    const told = bad ?? outcomes[0];
    const end = this.#options.clock.now();
    return {
      traceId,
      spanId: spanOf("message", makeId(end)),
      parentId: spanOf("message", message.id),
      name: "delivery attempt",
      kind: "client",
      start,
      end,
      attributes: {
        "mailfleet.message": message.id,
        "mailfleet.domain": destination.domain,
        "mailfleet.transport": destination.transportId,
        "mailfleet.recipients": recipients.length,
        "mailfleet.outcome": told?.kind ?? "",
        "mailfleet.status": told?.status ?? "",
        "server.address": told?.remoteMta ?? "",
      },
      error: bad === undefined ? null : bad.reply,
    };
  }

  #sampled(trace: () => string): string | null {
    if (this.#exporter === null) return null;
    const traceId = trace();
    return isSampled(traceId, this.#ratio) ? traceId : null;
  }

  #open({ endpoint, servicename }: TelemetryConfig, headers: Readonly<Record<string, string>>): Exporter {
    const { clock, log, version, instance } = this.#options;
    return new Exporter({
      endpoint,
      headers,
      resource: { serviceName: servicename, version, instance: instance() },
      clock,
      log,
    });
  }
}

async function readHeaders(path: string): Promise<Record<string, string>> {
  try {
    const lines = (await readFile(path, "utf8")).split(/\r?\n/).filter((line) => line.trim() !== "");
    return Object.fromEntries(lines.map(readHeader));
  } catch (cause) {
    throw new Failure("telemetry-headers-unusable", `opentelemetry.headersfile ${path}: ${describe(cause)}`, {
      cause,
    });
  }
}

/** What is wrong is told without the value, which may be a secret. */
function readHeader(line: string, at: number): [string, string] {
  const [, name, value] = /^([A-Za-z0-9-]+):\s*([\x20-\x7e]*)$/.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new Error(`line ${at + 1} is no "name: value"`);
  return [name.toLowerCase(), value];
}
