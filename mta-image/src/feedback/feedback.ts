/**
 * Bounces that come later, and complaints: return paths are signed as mail leaves, and what comes back to them is read,
 * told as events and remembered by the suppression list. Mail to the configured domains is never stored: what is no
 * report is refused with 550, so nobody loses mail unknowingly. What is taken is told within a second; a crash may lose
 * that second.
 */
import { readFile } from "node:fs/promises";

import { makeId } from "#base/ids.ts";
import type { Clock } from "#base/clock.ts";
import { Failure, describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";
import type { FeedbackConfig } from "#contract/feedback-config.ts";

import type { Intake, Reception } from "../intake/intake.ts";
import { type Envelope, domainOf } from "../message/envelope.ts";
import type { Courier } from "../queue/courier.ts";
import { type Finding, findingsOf } from "./findings.ts";
import { ReportReader } from "./report-reader.ts";
import { type Signing, signReturnPaths } from "./signing-courier.ts";

export interface FeedbackOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly found: (finding: Finding) => void;
}

const LEAST_KEY_BYTES = 16;

export class Feedback {
  readonly #options: FeedbackOptions;
  #domains: ReadonlySet<string> = new Set();
  #signing: Signing | null = null;

  constructor(options: FeedbackOptions) {
    this.#options = options;
  }

  /** What comes back puts it in force. Throws a Failure `feedback-secret-unusable` that names the file. */
  async prepare(config: FeedbackConfig | undefined): Promise<() => void> {
    const path = config?.returnpath;
    const signing = path === undefined ? null : { domain: path.domain, key: await readKey(path.secretfile) };
    return () => {
      this.#domains = new Set(config?.domains.map((name) => name.toLowerCase()));
      this.#signing = signing;
    };
  }

  /** The door with reports taken out of the mail that passes it. */
  before(inner: Intake): Intake {
    return {
      begin: (envelope, origin) =>
        origin.kind === "smtp" && this.#isOurs(envelope)
          ? new Report(this.#options, envelope, this.#signing?.key ?? null)
          : inner.begin(envelope, origin),
    };
  }

  courierBefore(inner: Courier): Courier {
    return signReturnPaths(inner, () => this.#signing);
  }

  #isOurs({ recipients }: Envelope): boolean {
    return this.#domains.size > 0 && recipients.every((address) => this.#domains.has(domainOf(address)));
  }
}

class Report implements Reception {
  readonly id: string;
  readonly #options: FeedbackOptions;
  readonly #envelope: Envelope;
  readonly #key: Buffer | null;
  readonly #reader = new ReportReader();

  constructor(options: FeedbackOptions, envelope: Envelope, key: Buffer | null) {
    this.id = makeId(options.clock.now());
    this.#options = options;
    this.#envelope = envelope;
    this.#key = key;
  }

  write(chunk: Buffer): null {
    this.#reader.push(chunk);
    return null;
  }

  async commit(): ReturnType<Reception["commit"]> {
    const report = this.#reader.end();
    const [to = ""] = this.#envelope.recipients;
    const findings = report === null ? [] : findingsOf(report, to, this.#key);
    this.#options.log.info({ report: this.id, to, findings: findings.length }, "feedback-read");
    if (report === null) return notAReport;
    for (const finding of findings) this.#options.found(finding);
    return { kind: "accepted", id: this.id };
  }

  abort(): void {}
}

const notAReport = {
  kind: "refused",
  reply: {
    code: 550,
    enhanced: "5.6.0",
    text: "Only delivery status notifications and feedback reports are read here",
  },
} as const;

async function readKey(file: string): Promise<Buffer> {
  let key: Buffer;
  try {
    key = Buffer.from((await readFile(file, "utf8")).trim());
  } catch (cause) {
    throw new Failure("feedback-secret-unusable", `feedback: cannot read ${file}: ${describe(cause)}`, {
      cause,
    });
  }
  if (key.length >= LEAST_KEY_BYTES) return key;
  throw new Failure("feedback-secret-unusable", `feedback: ${file} holds less than ${LEAST_KEY_BYTES} bytes`);
}
