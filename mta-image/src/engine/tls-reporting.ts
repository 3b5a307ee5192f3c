/**
 * What secure delivery remembers over a restart (counts for reports of TLS, policies of MTA-STS), kept in `tls/` beside the
 * spool at most a minute behind, and the sender of the reports. A disk that does not take it costs counts, never mail.
 */
import { join } from "node:path";

import type { Clock, Timer } from "#base/clock.ts";
import { describe, Failure } from "#base/error.ts";
import type { Log } from "#base/log.ts";

import { readKept, writeKept } from "../delivery/kept-json.ts";
import type { StsPolicies } from "../delivery/sts-policies.ts";
import { TlsReportSender, type TlsReportSenderOptions } from "../delivery/tls-report-sender.ts";
import type { TlsReports } from "../delivery/tls-reports.ts";
import type { Intake } from "../intake/intake.ts";
import { fromHere } from "../message/envelope.ts";

const SAVE_MS = 60_000;

interface Part {
  readonly changes: number;
  state(): unknown;
  restore(state: unknown): void;
}

export interface TlsReportingOptions extends Omit<TlsReportSenderOptions, "submit"> {
  /** Of the spool. */
  readonly folder: string;
  readonly policies: StsPolicies;
  readonly reports: TlsReports;
  /** Asked when a report is sent. */
  readonly intake: () => Intake;
  readonly clock: Clock;
  readonly log: Log;
}

export class TlsReporting {
  readonly #options: TlsReportingOptions;
  readonly #parts: readonly { readonly path: string; readonly part: Part; saved: number }[];
  readonly sender: TlsReportSender;
  #timer: Timer | null = null;

  constructor(options: TlsReportingOptions) {
    this.#options = options;
    const { folder, policies, reports } = options;
    this.#parts = [
      { path: join(folder, "tls", "policies.json"), part: policies, saved: 0 },
      { path: join(folder, "tls", "reports.json"), part: reports, saved: 0 },
    ];
    this.sender = new TlsReportSender({ ...options, submit: (mail) => submit(options.intake(), mail) });
  }

  async start(): Promise<void> {
    for (const { path, part } of this.#parts) part.restore(await readKept(path));
    this.sender.start();
    this.#plan();
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    await this.sender.close();
    await this.#save();
  }

  #plan(): void {
    this.#timer = this.#options.clock.after(SAVE_MS, () => {
      void this.#save();
      this.#plan();
    });
  }

  async #save(): Promise<void> {
    for (const each of this.#parts) {
      const { changes } = each.part;
      if (changes === each.saved) continue;
      try {
        await writeKept(each.path, each.part.state());
        each.saved = changes;
      } catch (error) {
        this.#options.log.warn({ path: each.path, error: describe(error) }, "tls-state-not-kept");
      }
    }
  }
}

type Mail = Parameters<TlsReportSenderOptions["submit"]>[0];

async function submit(intake: Intake, { from, to, transportId, bytes }: Mail): Promise<void> {
  const reception = intake.begin(
    {
      sender: from,
      recipients: [to],
      smtpUtf8: false,
      eightBit: false,
      transportId,
      // A report of TLS that does not work must not need TLS (RFC 8460 3).
      tlsOptional: true,
      // Nobody reads notices about reports.
      dsn: { ret: null, envid: null, recipients: [{ notify: ["NEVER"], orcpt: null }] },
    },
    fromHere(""),
  );
  await reception.write(bytes);
  const result = await reception.commit();
  if (result.kind !== "accepted")
    throw new Failure("report-refused", `the report was not stored: ${result.reply.text}`);
}
