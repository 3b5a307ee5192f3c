/**
 * Sends the reports of days that are over to whoever their domains name (RFC 8460 3): by mail, or by HTTPS. Looked at once
 * an hour, each engine at a minute of its own, so that not all send at midnight. What could not be sent is tried with the
 * next look until the day is forgotten; what was sent is noted, over restarts too. A domain without a record wants none.
 * Never rejects.
 */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Agent } from "undici";

import type { Clock, Timer } from "#base/clock.ts";
import { describe } from "#base/error.ts";
import { makeId } from "#base/ids.ts";
import type { Log } from "#base/log.ts";
import type { Random } from "#base/random.ts";

import type { RecordResolver } from "../dns/resolver.ts";
import { outsideLookup } from "./outside-lookup.ts";
import { type Receiver, makeReportMail, readReceivers } from "./tls-report-mail.ts";
import type { TlsReport, TlsReports } from "./tls-reports.ts";

export interface ReportSender {
  /** Of the mail that carries reports. */
  readonly from: string;
  readonly hostname: string;
  readonly transportId: string;
}

export interface TlsReportSenderOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly reports: TlsReports;
  readonly resolver: RecordResolver;
  readonly isForbidden: (ip: string) => boolean;
  /** Null: reports are not sent. */
  readonly sender: () => ReportSender | null;
  /** Queues a mail. Rejects when it is not taken. */
  readonly submit: (mail: { from: string; to: string; transportId: string; bytes: Buffer }) => Promise<void>;
  /** Certificates to trust, PEM; the well-known authorities when absent. */
  readonly ca?: string;
}

const HOUR_MS = 3_600_000;
const POST_MS = 30_000;
const pack = promisify(gzip);

export class TlsReportSender {
  readonly #options: TlsReportSenderOptions;
  #timer: Timer | null = null;
  #agent: Agent | null = null;
  #isClosed = false;

  constructor(options: TlsReportSenderOptions) {
    this.#options = options;
  }

  start(): void {
    this.#plan(this.#options.random() * HOUR_MS);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#agent?.destroy();
  }

  /** Sends what is due now. */
  async look(): Promise<void> {
    const { reports, sender, clock } = this.#options;
    const us = sender();
    if (us === null) return;
    const today = new Date(clock.now()).toISOString().slice(0, 10);
    for (const day of reports.days().filter((each) => each < today)) {
      for (const [domain, report] of reports.unsent(day)) {
        if (this.#isClosed) return;
        if (await this.#send(domain, report, us)) reports.noteSent(day, domain);
      }
    }
  }

  #plan(delayMs: number): void {
    this.#timer = this.#options.clock.after(delayMs, () => {
      void this.look().finally(() => {
        if (!this.#isClosed) this.#plan(HOUR_MS);
      });
    });
  }

  /** Whether it is done with: sent to all who want it, or nobody does. */
  async #send(domain: string, report: TlsReport, us: ReportSender): Promise<boolean> {
    const answer = await this.#options.resolver.txt(`_smtp._tls.${domain}`);
    if (answer.kind === "failed") return false;
    const receivers = answer.kind === "found" ? readReceivers(answer.records) : [];
    const packed = await pack(Buffer.from(JSON.stringify(report)));
    const sent = await Promise.all(receivers.map((to) => this.#sendTo(to, { domain, report, packed, us })));
    // One of several is enough (RFC 8460 3: "any of the destinations"), and another try would repeat it.
    return receivers.length === 0 || sent.includes(true);
  }

  async #sendTo(
    to: Receiver,
    about: { domain: string; report: TlsReport; packed: Buffer; us: ReportSender },
  ): Promise<boolean> {
    const { log } = this.#options;
    const { domain } = about;
    try {
      if (to.kind === "https") await this.#post(to.url, about.packed);
      else await this.#mail(to.address, about);
      log.info({ domain, by: to.kind }, "tls-report-sent");
      return true;
    } catch (error) {
      log.warn({ domain, by: to.kind, error: describe(error) }, "tls-report-not-sent");
      return false;
    }
  }

  #mail(
    to: string,
    { domain, report, packed, us }: { domain: string; report: TlsReport; packed: Buffer; us: ReportSender },
  ): Promise<void> {
    const { clock, submit } = this.#options;
    const now = clock.now();
    const { from, hostname, transportId } = us;
    const bytes = makeReportMail({ report, domain, packed, from, to, hostname, id: makeId(now), now });
    return submit({ from, to, transportId, bytes });
  }

  async #post(url: string, body: Buffer): Promise<void> {
    const { ca } = this.#options;
    const undici = await import("undici");
    this.#agent ??= new undici.Agent({
      connect: {
        timeout: POST_MS,
        lookup: outsideLookup(this.#options),
        ...(ca === undefined ? {} : { ca }),
      },
    });
    const answer = await undici.request(url, {
      method: "POST",
      dispatcher: this.#agent,
      headers: { "content-type": "application/tlsrpt+gzip" },
      body,
      signal: AbortSignal.timeout(POST_MS),
    });
    await answer.body.dump();
    if (answer.statusCode >= 300) throw new Error(`HTTP ${answer.statusCode}`);
  }
}
