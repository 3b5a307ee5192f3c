/**
 * Runs the script of a hook and tells what it decided: at once when the script did not wait, else as a promise. A script
 * that fails is counted, logged with its place and stack, and reported as such; what that means is the caller's business.
 * Never throws and never rejects.
 */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { Random } from "#base/random.ts";

import type { World } from "../script/context.ts";
import { type Outcome, type RunOptions, run } from "../script/machine.ts";
import { Shared } from "../script/shared.ts";
import type { MailPort } from "../script/mail-port.ts";
import type { Ports } from "../script/ports.ts";
import type { HookFigures } from "./figures.ts";
import { HookRun } from "./hook-run.ts";
import { askedCopy } from "./mail-copy.ts";
import { type RemoteName, findRemoteName } from "./remote-name.ts";
import type { HookScript } from "./scripts.ts";
import type { ClientCertificate } from "../smtp/tls-choice.ts";
import { textOf } from "./texts.ts";

export interface HookWorldOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly figures: HookFigures;
  readonly hostname: () => string;
  readonly hasTransport: (id: string) => boolean;
  /** Whose process is at the other end of a UNIX socket, by its descriptor; absent where that cannot be asked. */
  readonly peerUid?: (descriptor: number) => number | null;
  /** What scripts reach outside of themselves. queue() at the end of data never comes to its `mail`. */
  readonly ports?: Partial<Ports>;
}

/** One line of echo; more is cut. */
const MAX_ECHO = 8192;

export type Asked<T> = T | Promise<T>;

/** The session or the message that a script runs for: in every line of the log. */
type About = Readonly<Record<string, string>>;

/** The surroundings of scripts, and for what they run. */
export interface HookWorld extends World {
  readonly about: About;
}

export class HookRunner {
  readonly clock: Clock;
  readonly #options: HookWorldOptions;
  readonly #shared: Shared;
  readonly #ports: Partial<Ports>;

  constructor(options: HookWorldOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.#shared = new Shared(options.clock);
    this.#ports = { ...options.ports, mail: this.#mailPort(options.ports?.mail) };
  }

  /** What the client's address is called. */
  remoteName(ip: string): Promise<RemoteName> {
    return findRemoteName(this.#ports.dns, ip, this.clock);
  }

  /** Whose process is at the other end of the UNIX socket with this descriptor; null where nobody knows. */
  remoteUid(descriptor: number): number | null {
    return this.#options.peerUid?.(descriptor) ?? null;
  }

  hasTransport(id: string): boolean {
    return this.#options.hasTransport(id);
  }

  /** With its key; null where one of the two is not there. */
  certificate(id: string): ClientCertificate | null {
    const { keys } = this.#ports;
    const [cert, key] = [keys?.certificate?.(id) ?? null, keys?.privateKey(id) ?? null];
    return cert === null || key === null ? null : { cert, key };
  }

  /** What a script decided makes no sense: that counts as a failure. */
  complain(script: HookScript, message: string, about: About): void {
    const { figures, log } = this.#options;
    const { hook, name } = script;
    figures.errors[hook]++;
    log.error({ ...about, hook, script: name, kind: "nonsense", stack: message }, "script-failed");
  }

  /** The surroundings of scripts that run for one connection or message; `about` stands in every line they log. */
  world(about: About, messageId?: World["messageId"]): HookWorld {
    const { clock, random, log, hostname } = this.#options;
    const said = (line: string): string => textOf(line.slice(0, MAX_ECHO));
    return {
      about,
      clock,
      random,
      hostname: hostname(),
      shared: this.#shared,
      ports: this.#ports,
      messageId,
      echo: (line) => log.info({ ...about, line: said(line) }, "script-echo"),
      log: (priority, line) => log.info({ ...about, priority, line: said(line) }, "script-log"),
    };
  }

  run(script: HookScript, options: RunOptions & { readonly world: HookWorld }): Asked<Outcome> {
    this.#options.figures.runs[script.hook]++;
    const outcome = run(script.compiled, options);
    const { about } = options.world;
    return outcome instanceof Promise
      ? this.#endLater(script, about, outcome)
      : this.#end(script, about, outcome);
  }

  /** At the end of data, copies of the message wait for the script's end; all other mail is queued at once. */
  #mailPort(outside: MailPort | undefined): MailPort {
    const hasTransport = (id: string): boolean => this.hasTransport(id);
    return {
      queue: (message, wish, subject) => {
        const asked = askedCopy(message, wish, hasTransport);
        if (typeof asked === "string") return { error: asked };
        if (subject instanceof HookRun && subject.hook === "eod") return subject.keep(asked);
        return outside?.queue(message, wish, subject) ?? { error: "there is no queue here" };
      },
    };
  }

  async #endLater(script: HookScript, about: About, outcome: Promise<Outcome>): Promise<Outcome> {
    return this.#end(script, about, await outcome);
  }

  #end(script: HookScript, about: About, outcome: Outcome): Outcome {
    const { figures, log } = this.#options;
    figures.observe(script.hook, outcome.tookMs() / 1000);
    const { error } = outcome;
    if (error !== null) {
      figures.errors[script.hook]++;
      const [place] = error.frames;
      const at = place === undefined ? "" : `${place.file}:${place.line}:${place.column}`;
      const stack = textOf(error.describe().slice(0, MAX_ECHO));
      const { hook, name } = script;
      log.error({ ...about, hook, script: name, at, kind: error.kind, stack }, "script-failed");
    }
    return outcome;
  }
}
