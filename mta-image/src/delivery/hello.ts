/**
 * The opening of a connection: greeting, EHLO (HELO where that is refused), STARTTLS as the transport's mode
 * says, EHLO again (RFC 3207 4.2: what was said in the clear is forgotten). Resolves with what the host can do
 * or with the outcome that all mail for it gets; then the wire has ended. Never rejects.
 *
 * Nothing may be said before it is asked for: bytes behind the reply to STARTTLS, which an attacker could have
 * put there, end the connection as garbage.
 */
import { isIP } from "node:net";

import type { Outcome } from "../queue/courier.ts";
import type { SmtpLogin, TalkChoice } from "../smtp/talk-choice.ts";
import type { TlsChoice } from "../smtp/tls-choice.ts";
import { type ServerReply, textOf } from "../smtp/reply-parser.ts";
import { type Capabilities, plainCapabilities, readCapabilities } from "./capabilities.ts";
import { commandLine } from "./command.ts";
import { outcomeOfReply, outcomeOfTrouble, type Step } from "./outcome.ts";
import type { BasicTlsMode, Timeouts } from "./transport.ts";
import { type TlsaRecord, judgeChain } from "./dane.ts";
import { authDialogue, signOn, xclientLine } from "./sign-on.ts";
import type { TlsSessions } from "./tls-sessions.ts";
import { nobody, type TlsRequest, type Wire, type WireEnd } from "./wire.ts";

export interface HelloOptions {
  /** The name of the host as routed to: for the certificate and for outcomes. */
  readonly host: string;
  /** The name we introduce ourselves with. */
  readonly hostname: string;
  /** LHLO in place of EHLO, and nothing to fall back to (RFC 2033 4.1). */
  readonly isLmtp: boolean;
  readonly tlsMode: BasicTlsMode;
  /** One of these must name the certificate (DANE); null where the authorities say which is good. */
  readonly tlsa: readonly TlsaRecord[] | null;
  /** Where these stand, if not at the host's own name (RFC 7672 3.2.2). */
  readonly tlsaName?: string;
  /** Certificates to trust, PEM; null for the well-known ones. */
  readonly ca: string | null;
  /** What a script says of TLS; null for the usual. */
  readonly choice: TlsChoice | null;
  /** What a script wants said behind hello; null and empty for nothing. */
  readonly login: SmtpLogin | null;
  readonly xclient: TalkChoice["xclient"];
  readonly timeouts: Timeouts;
  readonly sessions: TlsSessions;
  /** Wall clock, for certificates that DANE names. */
  readonly now: () => number;
  /** How TLS went, once it was tried or not offered. */
  readonly onTls: (went: TlsWent) => void;
}

/** `unverified`: why the certificate would not do if it had to; null where it would. */
export type TlsWent =
  | { readonly kind: "secure"; readonly unverified: string | null }
  | { readonly kind: "failed"; readonly trouble: string; readonly detail: string };

export type Hello =
  | { readonly kind: "ready"; readonly capabilities: Capabilities }
  /** `tryInClear`: only TLS was the trouble and the mode allows to do without. */
  | { readonly kind: "failed"; readonly outcome: Outcome; readonly tryInClear: boolean };

type Said = { readonly reply: ServerReply } | { readonly end: WireEnd };

export async function sayHello(wire: Wire, options: HelloOptions): Promise<Hello> {
  const known = await becomeKnown(wire, options);
  const named = known.kind === "ready" ? await nameClient(wire, known, options) : known;
  return named.kind === "ready" && options.login !== null
    ? present(wire, named, options.login, options)
    : named;
}

/** Says whose mail it is, where the host takes that; it greets anew then, and hello is said again. */
async function nameClient(wire: Wire, known: Ready, options: HelloOptions): Promise<Hello> {
  const line = xclientLine(options.xclient, known.capabilities);
  if (line === null) return known;
  const said = await ask(wire, line, options.timeouts.helloMs);
  if ("end" in said) return ended(said.end, options);
  return said.reply.code === 220 ? introduce(wire, options) : refused(wire, said.reply, "xclient", options);
}

async function present(wire: Wire, known: Ready, login: SmtpLogin, options: HelloOptions): Promise<Hello> {
  const dialogue = authDialogue(login, known.capabilities);
  if (dialogue === null) return giveUp(wire, "auth-not-offered", options);
  // What goes to traces must not tell the password.
  const said = await signOn<Exclude<Said, { reply: ServerReply }>>(dialogue, (line) =>
    ask(wire, line, options.timeouts.helloMs, line.replace(/^(AUTH PLAIN ).*|^(?!AUTH ).+/, "$1***")),
  );
  if ("end" in said) return ended(said.end, options);
  return said.reply.code === 235 ? known : refused(wire, said.reply, "auth", options);
}

async function becomeKnown(wire: Wire, options: HelloOptions): Promise<Hello> {
  const greeting = await listen(wire);
  if ("end" in greeting) return ended(greeting.end, options);
  if (wire.trail !== null) wire.trail.greeting = greeting.reply.lines;
  if (greeting.reply.code !== 220) return refused(wire, greeting.reply, "greeting", options);
  const first = await introduce(wire, options);
  if (first.kind === "failed" || options.tlsMode === "disabled") return first;
  if (!first.capabilities.startTls) {
    options.onTls({ kind: "failed", trouble: "tls-not-offered", detail: "" });
    return options.tlsMode.startsWith("require") ? giveUp(wire, "tls-not-offered", options) : first;
  }
  const trouble = await startTls(wire, options);
  return trouble ?? introduce(wire, options);
}

async function introduce(wire: Wire, options: HelloOptions): Promise<Hello> {
  const word = options.isLmtp ? "LHLO" : "EHLO";
  const ehlo = await ask(wire, `${word} ${options.hostname}`, options.timeouts.helloMs);
  if ("end" in ehlo) return ended(ehlo.end, options);
  if (ehlo.reply.code === 250) return { kind: "ready", capabilities: readCapabilities(ehlo.reply.lines) };
  // RFC 5321 3.2: a host that does not know EHLO says 500 or 502; some refuse it with other 5xx codes.
  if (ehlo.reply.code < 500 || options.isLmtp) return refused(wire, ehlo.reply, "hello", options);
  const helo = await ask(wire, `HELO ${options.hostname}`, options.timeouts.helloMs);
  if ("end" in helo) return ended(helo.end, options);
  return helo.reply.code === 250
    ? { kind: "ready", capabilities: plainCapabilities }
    : refused(wire, helo.reply, "hello", options);
}

/** Null when the wire is in TLS. */
async function startTls(wire: Wire, options: HelloOptions): Promise<Hello | null> {
  const said = await ask(wire, "STARTTLS", options.timeouts.helloMs);
  if ("end" in said) return { ...ended(said.end, options), tryInClear: options.tlsMode === "optional" };
  if (said.reply.code !== 220) {
    return { ...refused(wire, said.reply, "tls", options), tryInClear: options.tlsMode === "optional" };
  }
  if (wire.hasPartialReply) wire.end("garbage", "reply before TLS");
  wire.expectWithin(options.timeouts.tlsMs);
  const end = await wire.upgrade(tlsRequest(options));
  if (end === null) {
    options.onTls({ kind: "secure", unverified: wire.unverified });
    return null;
  }
  options.onTls({ kind: "failed", trouble: end.trouble, detail: end.detail });
  const trouble = end.trouble === "tls-unverified" ? end.trouble : "tls-failed";
  return {
    kind: "failed",
    outcome: outcomeOfTrouble(trouble, options.host, end.detail === "" ? wordsOf(end) : end.detail),
    tryInClear: options.tlsMode === "optional",
  };
}

/** Of an end that says no more than what it is. */
function wordsOf({ trouble }: WireEnd): string {
  return trouble === "reply-timeout" ? "no answer in time" : "the host hung up";
}

function tlsRequest(options: HelloOptions): TlsRequest {
  const { host, tlsMode, tlsa, tlsaName = host, ca, choice, sessions, now } = options;
  // A session is for the name that was asked for, too (RFC 8446 4.6.1).
  const key = `${host} ${tlsaName} ${tlsMode} ${ca ?? ""}${choice === null ? "" : JSON.stringify(choice)}`;
  return {
    name: tlsaName,
    isNameAnIp: isIP(host) !== 0,
    mustVerify: tlsa === null && tlsMode.endsWith("_verify"),
    ca,
    choice,
    judge:
      tlsa === null
        ? null
        : (leaf) => judgeChain(tlsa, leaf, { names: [tlsaName, host], now: new Date(now()) }),
    // DANE's records may have changed since: its certificates are looked at each time.
    session: tlsa === null ? sessions.find(key) : null,
    onSession: (kept) => {
      if (tlsa === null) sessions.keep(key, kept);
    },
  };
}

/**
 * Sends one command and resolves with the one reply to it. A reply that comes when nothing was asked ends the
 * wire as garbage, since replies and commands could no longer be told to belong together.
 */
function ask(wire: Wire, command: string, timeoutMs: number, shown = command): Promise<Said> {
  if (wire.hasPartialReply) wire.end("garbage", "reply before command");
  const said = listen(wire);
  wire.expectWithin(timeoutMs);
  wire.traced?.now?.client(shown);
  wire.write(commandLine(command));
  return said;
}

function listen(wire: Wire): Promise<Said> {
  return new Promise((resolve) => {
    if (wire.ended !== null) return resolve({ end: wire.ended });
    wire.owner = {
      ...nobody,
      onReply(reply) {
        wire.owner = { ...nobody, onReply: (more) => endUnasked(wire, more) };
        wire.traced?.now?.server(textOf(reply));
        resolve({ reply });
      },
      onEnd: (end) => resolve({ end }),
    };
  });
}

/** A host may say goodbye at any time (RFC 5321 3.8), and nothing else. */
function endUnasked(wire: Wire, { code, lines }: ServerReply): void {
  if (code === 421) wire.end("lost", `421 ${lines[0] ?? ""}`);
  else wire.end("garbage", "reply before command");
}

type Failed = Extract<Hello, { kind: "failed" }>;
type Ready = Extract<Hello, { kind: "ready" }>;

function ended(end: WireEnd, options: HelloOptions): Failed {
  return {
    kind: "failed",
    outcome: outcomeOfTrouble(end.trouble, options.host, end.detail),
    tryInClear: false,
  };
}

function refused(wire: Wire, reply: ServerReply, step: Step, options: HelloOptions): Failed {
  wire.quit();
  const isRefusal = reply.code >= 400;
  const outcome = isRefusal
    ? outcomeOfReply(reply, step, options.host)
    : outcomeOfTrouble("garbage", options.host, `${reply.code} at ${step}`);
  return { kind: "failed", outcome, tryInClear: false };
}

function giveUp(wire: Wire, trouble: "tls-not-offered" | "auth-not-offered", options: HelloOptions): Failed {
  wire.quit();
  return { kind: "failed", outcome: outcomeOfTrouble(trouble, options.host), tryInClear: false };
}
