/**
 * The queue's courier when some mail is delivered by native plugins: an attempt that names one, or whose transport
 * does, goes to the plugin, everything else to SMTP. A plugin sees each recipient as a message of its own. What it
 * says is an outcome, and so is its silence: after the deadline the outcome is unclear, for it may still deliver.
 * Never rejects.
 */
import type { Clock, Timer } from "#base/clock.ts";
import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";

import { outcomeOfReadError } from "../delivery/job.ts";
import { oneLine, outcomeOfReply, outcomeOfTrouble, unclearOutcome } from "../delivery/outcome.ts";
import type { PluginResult } from "../plugins/delivery.ts";
import type { PluginHost } from "../plugins/host.ts";
import type { LoadedPlugin } from "../plugins/inspect.ts";
import type { NativeMessage, Piece, Wire } from "../plugins/native.ts";
import { withOpened } from "../plugins/opened-files.ts";
import { fillIn, wireOf } from "./plugin-arguments.ts";
import { nativeMessage } from "./plugin-doorkeeper.ts";
import type { Attempt, AttemptWait, Courier, Outcome, PluginOrder } from "../queue/courier.ts";
import type { BodySource, Content } from "../spool/spool.ts";

export interface PluginCourierOptions {
  readonly smtp: Courier;
  readonly host: () => PluginHost | null;
  /** Who delivers the mail of a transport, with arguments as the configuration has them; undefined: SMTP. */
  readonly orderOf: (transportId: string) => PluginOrder | undefined;
  readonly read: (id: string) => Promise<Content>;
  readonly clock: Clock;
  readonly log: Log;
}

interface Source {
  readonly pieces: readonly Piece[];
  readonly close: () => Promise<void>;
}

export class PluginCourier implements Courier {
  readonly #options: PluginCourierOptions;
  /** Ends each delivery that is under way as unclear. */
  readonly #cuts = new Set<() => void>();
  #idle: (() => void) | null = null;

  constructor(options: PluginCourierOptions) {
    this.#options = options;
  }

  get attemptsPerDestination(): number {
    return this.#options.smtp.attemptsPerDestination;
  }

  waitOf(messageId: string, recipient: number): AttemptWait | null {
    return this.#options.smtp.waitOf?.(messageId, recipient) ?? null;
  }

  deliver(attempt: Attempt): Promise<readonly Outcome[]> {
    const order = attempt.plugin ?? this.#options.orderOf(attempt.destination.transportId);
    return order === undefined ? this.#options.smtp.deliver(attempt) : this.#deliverAll(attempt, order);
  }

  async close(deadlineMs: number): Promise<void> {
    await Promise.all([this.#options.smtp.close(deadlineMs), this.#closePlugins(deadlineMs)]);
  }

  async #deliverAll(attempt: Attempt, order: PluginOrder): Promise<readonly Outcome[]> {
    const plugin = this.#options.host()?.plugins.find(({ id }) => id === order.id);
    const same = (outcome: Outcome): Outcome[] => attempt.recipients.map(() => outcome);
    if (plugin === undefined) return same(outcomeOfTrouble("bad-server", "", `no plugin "${order.id}"`));
    let source: Source;
    try {
      source = await sourceOf(await this.#options.read(attempt.message.id));
    } catch (error) {
      return same(outcomeOfReadError(error));
    }
    try {
      return await Promise.all(
        attempt.recipients.map((index) => this.#deliverOne(plugin, { attempt, order, source, index })),
      );
    } finally {
      await source.close();
    }
  }

  async #deliverOne(
    plugin: LoadedPlugin,
    what: { attempt: Attempt; order: PluginOrder; source: Source; index: number },
  ): Promise<Outcome> {
    const { attempt, order, source, index } = what;
    const message = messageOf(attempt, index);
    const facts = { message, envelope: attempt.message.envelope, index };
    const args = attempt.plugin === undefined ? fillIn(wireOf(order.args), facts) : (order.args as Wire);
    const { deliveries } = this.#options.host() as PluginHost;
    try {
      const result = await withOpened([args], ([given = null]) => {
        const under = deliveries.deliver(plugin, { message, file: source.pieces, args: given });
        return this.#withDeadline(under, order.timeoutMs);
      });
      if (result === null) return unclearOutcome("reply-timeout", "", `plugin ${plugin.id} has not ended`);
      this.#tell(plugin.id, { id: attempt.message.id, queueid: index + 1 }, result);
      return outcomeOf(plugin.id, result);
    } catch (error) {
      return outcomeOfTrouble("internal", "", `plugin ${plugin.id}: ${describe(error)}`);
    }
  }

  /** Null when the time is over first, or the engine goes down. */
  #withDeadline(under: Promise<PluginResult>, timeoutMs: number): Promise<PluginResult | null> {
    return new Promise((resolve, reject) => {
      let timer: Timer | null = null;
      const end = (result: PluginResult | null): void => {
        timer?.cancel();
        this.#cuts.delete(cut);
        if (this.#cuts.size === 0) this.#idle?.();
        resolve(result);
      };
      const cut = (): void => end(null);
      this.#cuts.add(cut);
      timer = this.#options.clock.after(timeoutMs, cut);
      under.then(end, (error: unknown) => {
        end(null);
        reject(error);
      });
    });
  }

  async #closePlugins(deadlineMs: number): Promise<void> {
    if (this.#cuts.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.after(deadlineMs, () => {
        for (const cut of [...this.#cuts]) cut();
      });
      this.#idle = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /** By the message and its recipient, as every line of them. */
  #tell(plugin: string, of: { id: string; queueid: number }, { trace }: PluginResult): void {
    if (trace.length === 0) return;
    this.#options.log.debug({ plugin, message: of.id, queueid: of.queueid, trace }, "plugin-delivery-trace");
  }
}

function messageOf({ message, destination, terms }: Attempt, recipient: number): NativeMessage {
  const { transportId, domain } = destination;
  const { jobId = "", tenantId = "" } = message.envelope;
  const facts = {
    tenantid: tenantId,
    jobid: jobId,
    transportid: transportId,
    localip: terms?.source ?? "",
    grouping: "",
    remoteip: "",
    remotemx: "",
    recipientdomain: domain,
  };
  return nativeMessage({ message, recipient, facts });
}

async function sourceOf(content: Content): Promise<Source> {
  if (content.kind === "memory") return { pieces: [content.bytes], close: async () => {} };
  const file: BodySource | undefined = await content.open?.();
  if (file !== undefined && file.fd !== null) {
    const { fd } = file;
    const length = await file.size();
    return { pieces: [{ fd, offset: 0, length }], close: () => file.close() };
  }
  await file?.close();
  const pieces: Buffer[] = [];
  for await (const chunk of content.chunks()) pieces.push(chunk);
  return { pieces, close: async () => {} };
}

/**
 * A code is read as an SMTP reply to the end of data. An error outranks it: beside a code that refuses, that refusal is
 * for now.
 */
function outcomeOf(id: string, { code, reason, error, ret }: PluginResult): Outcome {
  const plugin = { id, ret };
  const passing = { kind: "deferred", status: "4.3.0", remoteMta: "", plugin } as const;
  const isRefusal = code !== null && code >= 400 && code < 600;
  if (isRefusal && error !== null) {
    const said = reason ?? "";
    const reply = oneLine(`${code} ${said === "" ? error : `${said}: ${error}`}`);
    return { ...passing, reply, step: "end-of-data", lines: [said] };
  }
  if (error !== null || code === null)
    return { ...passing, reply: oneLine(`Plugin ${id}: ${error ?? "no result"}`) };
  if (!(code >= 200 && code < 300) && !isRefusal)
    return { ...passing, reply: oneLine(`Plugin ${id}: the code ${code} means nothing`) };
  const outcome = outcomeOfReply({ code, enhanced: "", lines: [reason ?? ""] }, "end-of-data", "");
  // It has left the world of mail: whoever asked to hear of success hears of a delivery, not of a relay.
  return { ...outcome, ...(outcome.kind === "delivered" ? { success: "final" as const } : {}), plugin };
}
