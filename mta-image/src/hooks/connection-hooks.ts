/**
 * The hooks of one connection: what the session asks at each phase, and what scripts of the connection share ($connection,
 * $transaction, $context). It keeps the scripts that the connection began with, whatever is reloaded meanwhile. An answer
 * comes at once when its script did not wait. Null means that no script was asked, and costs nothing. Never throws and
 * never rejects: a script that fails is an answer, by the configuration's `onerror`.
 */
import { isIP } from "node:net";

import { makeId } from "#base/ids.ts";

import type { MailParameters, RcptParameters } from "../smtp/parameters.ts";
import { type Reply, makeReply } from "../smtp/reply.ts";
import type { World } from "../script/context.ts";
import { Refusal } from "../script/error.ts";
import { onlyData } from "../script/only-data.ts";
import { type Value, HslArray } from "../script/value.ts";
import type { Envelope } from "../message/envelope.ts";
import { makeMessage } from "../script/library/mail-message.ts";
import { type ByteSource, Pieces } from "../script/mail/pieces.ts";
import { eodMailMessageClass } from "./actions.ts";
import { type MailCopy, copiesAsked, copiesByTransport } from "./mail-copy.ts";
import { type Action, HookRun } from "./hook-run.ts";
import { type Asked, type HookRunner, type Ran, then } from "./runner.ts";
import type { HookScript, ServerScripts } from "./scripts.ts";
import { type SessionHook, acceptances, deferrals, failures, goodbye, rejections } from "./stages.ts";
import { addressOf, addressTree, arrayOf, bytesOf, isMailbox, listOf, textOf } from "./texts.ts";
import {
  type ConnectionFacts,
  connectArguments,
  connectionTree,
  mailTree,
  rcptTree,
  recipientArguments,
  senderArguments,
  tlsTree,
} from "./trees.ts";
import { clean, linesOf, replyOf } from "./wording.ts";

/** `go`: on with it; `reply` when the script wants its own words said. `isDecided`: an action said so. */
export type Answer<W> =
  | { readonly kind: "go"; readonly wish: W; readonly reply: Reply | null; readonly isDecided: boolean }
  | { readonly kind: "refuse"; readonly reply: Reply };

export interface AuthFacts {
  readonly mechanism: string;
  /** "" for mechanisms that the engine does not know. */
  readonly username: string;
  readonly password: string;
  /** How often the script has asked back. */
  readonly state: number;
  /** The client's line, base64. */
  readonly response: string;
}

export type AuthAnswer =
  | Answer<{ readonly username: string | null }>
  /** 334: the client's next line is for the script. */
  | { readonly kind: "ask"; readonly reply: Reply };

export type EndAnswer =
  /** What is stored. */
  | { readonly kind: "go"; readonly copies: readonly MailCopy[]; readonly reply: Reply | null }
  | { readonly kind: "refuse"; readonly reply: Reply };

export type ProxyAnswer =
  | { readonly kind: "pass"; readonly command: string | null }
  | { readonly kind: "reply"; readonly reply: Reply };

export interface Ending {
  readonly close: "local" | "remote";
  /** The last thing that was said; null when nothing was. */
  readonly reply: Reply | null;
}

type Verdict = Answer<HookRun> | { readonly kind: "other"; readonly action: Action };

export class ConnectionHooks {
  readonly #scripts: ServerScripts;
  readonly #runner: HookRunner;
  #facts: ConnectionFacts;
  readonly #world: World;
  #connection: HslArray;
  #transaction: HslArray = new HslArray();
  #transactionId = "";
  #recipients: HslArray[] = [];
  /** One for each recipient. */
  #transports: string[] = [];
  #context: Value = null;

  constructor(scripts: ServerScripts, runner: HookRunner, facts: ConnectionFacts) {
    this.#scripts = scripts;
    this.#runner = runner;
    this.#facts = facts;
    this.#world = runner.world({ session: facts.id });
    this.#connection = connectionTree(facts);
  }

  has(hook: Exclude<SessionHook, "rcptto">): boolean {
    return this.#scripts.byHook.has(hook);
  }

  connect(): Asked<Answer<{ remoteIp: string | null }>> | null {
    const script = this.#scripts.byHook.get("connect");
    if (script === undefined) return null;
    return this.#judged(script, connectArguments(this.#facts), (run) => {
      const remoteIp = run.wish("remoteip");
      if (remoteIp === null) return { remoteIp };
      if (typeof remoteIp !== "string" || isIP(remoteIp) === 0) throw new Refusal("remoteip is no address");
      this.#facts = { ...this.#facts, remoteIp };
      this.#know("remoteip", remoteIp);
      return { remoteIp };
    });
  }

  proxy(command: string): Asked<ProxyAnswer> | null {
    const script = this.#scripts.byHook.get("proxy");
    if (script === undefined) return null;
    return then(this.#ask(script, arrayOf({ command })), (answer): ProxyAnswer => {
      if (answer.kind === "refuse") return { kind: "reply", reply: answer.reply };
      if (answer.kind === "go") return { kind: "pass", command: null };
      const { kind, options } = answer.action;
      if (kind === "reply") return { kind: "reply", reply: replyOf(answer.action, acceptances.proxy) };
      const changed = options?.get("command") ?? null;
      return { kind: "pass", command: typeof changed === "string" ? changed : null };
    });
  }

  hello(hello: {
    readonly verb: "HELO" | "EHLO";
    readonly host: string;
    readonly extensions: readonly string[];
  }): Asked<Answer<{ host: string | null; extensions: readonly string[] | null }>> | null {
    const { verb, host, extensions } = hello;
    const script = this.#scripts.byHook.get("helo");
    const known = (name: string): void => this.#know("helo", arrayOf({ verb, host: name }));
    if (script === undefined) {
      known(host);
      return null;
    }
    const given = arrayOf({ verb, host, extensions: listOf(extensions) });
    return this.#judged(script, given, (run) => {
      const name = run.wish("host");
      if (name !== null && (typeof name !== "string" || !/^[\x21-\x7e]{1,255}$/.test(name)))
        throw new Refusal("host is no name");
      known(name ?? host);
      return { host: name, extensions: wordsOf(run.wish("extensions")) };
    });
  }

  /** TLS is on: what was known of the conversation before is forgotten. */
  secured(description: string): void {
    this.#connection = connectionTree(this.#facts);
    this.#know("tls", tlsTree(description));
    this.#transaction = new HslArray();
  }

  auth(facts: AuthFacts): Asked<AuthAnswer> | null {
    const script = this.#scripts.byHook.get("auth");
    if (script === undefined) return null;
    const { mechanism, username, password, state, response } = facts;
    const about = { mechanism, username: bytesOf(username), password: bytesOf(password), state, response };
    return then(this.#ask(script, arrayOf(about)), (answer): AuthAnswer => {
      if (answer.kind === "refuse") return answer;
      if (answer.kind === "go") {
        const name = answer.wish.wish("username");
        return { ...answer, wish: { username: typeof name === "string" ? textOf(name) : null } };
      }
      const [line = ""] = linesOf(answer.action.reason) ?? [];
      return { kind: "ask", reply: makeReply(334, "", line) };
    });
  }

  /** The client is logged in. */
  loggedIn(mechanism: string, username: string): void {
    this.#know("auth", arrayOf({ mechanism, username: bytesOf(username) }));
  }

  mailFrom(address: string, parameters: MailParameters): Asked<Answer<{ sender: string | null }>> | null {
    const { clock } = this.#runner;
    this.#transactionId = makeId(clock.now());
    this.#transaction = arrayOf({ id: this.#transactionId, ts: clock.now() / 1000 });
    this.#recipients = [];
    this.#transports = [];
    const script = this.#scripts.byHook.get("mailfrom");
    if (script === undefined) {
      this.#begin(address, parameters);
      return null;
    }
    return this.#judged(script, senderArguments(address, parameters), (run) => {
      const sender = wishedAddress(run, "sender");
      this.#begin(sender ?? address, parameters);
      return { sender };
    });
  }

  /** `isRelay` says that the engine's own rules take the recipient. */
  rcptTo(rcpt: {
    readonly address: string;
    readonly domain: string;
    readonly parameters: RcptParameters;
    readonly transportId: string;
    readonly isRelay: boolean;
  }): Asked<Answer<{ recipient: string | null; transportId: string | null; mayRelay: boolean }>> | null {
    const found = this.#scripts.rcptto.find(({ domains }) => domains === null || domains.has(rcpt.domain));
    if (found === undefined) return null;
    return this.#judged(found.script, recipientArguments(rcpt.address, rcpt), (run) => {
      const transportId = run.wish("transportid");
      if (
        transportId !== null &&
        (typeof transportId !== "string" || !this.#runner.hasTransport(transportId))
      )
        throw new Refusal("transportid is no transport");
      const recipient = wishedAddress(run, "recipient");
      if (recipient === "") throw new Refusal("recipient is empty");
      return { recipient, transportId, mayRelay: run.wish("relay") === true };
    });
  }

  /** The recipient was taken. */
  tookRecipient(address: string, parameters: RcptParameters, transportId: string): void {
    this.#transports.push(transportId);
    this.#recipients.push(
      arrayOf({
        recipient: bytesOf(address).toLowerCase(),
        address: addressTree(address),
        params: rcptTree(parameters),
        transportid: transportId,
      }),
    );
  }

  /** The message has to be held until all of it is there. */
  get mustHold(): boolean {
    return this.has("eod") || new Set(this.#transports).size > 1;
  }

  /** The envelope with what later scripts learn of this transaction. */
  marked(envelope: Envelope): Envelope {
    const marks = { transaction: this.#transactionId, first: 1 };
    return { ...envelope, transportId: this.#transports[0] ?? envelope.transportId, marks };
  }

  async endOfData(content: ByteSource, envelope: Envelope): Promise<EndAnswer> {
    const script = this.#scripts.byHook.get("eod");
    const transaction = this.#transactionId;
    const asItCame = (): MailCopy[] => copiesByTransport(envelope, this.#transports, transaction);
    if (script === undefined) return { kind: "go", copies: asItCame(), reply: null };
    const mail = makeMessage(eodMailMessageClass, Pieces.over(content));
    const answer = await this.#ask(script, arrayOf({ mail }), transaction);
    if (answer.kind === "refuse") return answer;
    if (answer.kind === "other") throw new Error(`bug: ${answer.action.kind} is no action of this hook`);
    const { isDecided, reply } = answer;
    const asked = answer.wish.copies;
    // A script that says nothing of the message leaves it to the engine; one that accepts has said it all.
    if (!isDecided && asked.length === 0) return { kind: "go", copies: asItCame(), reply };
    const now = this.#runner.clock.now();
    return { kind: "go", copies: copiesAsked(envelope, asked, { transaction, now }), reply };
  }

  disconnect({ close, reply }: Ending): void {
    const script = this.#scripts.byHook.get("disconnect");
    if (script === undefined) return;
    void this.#ask(script, arrayOf({ close, ...(reply === null ? {} : { reply: saidTree(reply) }) }));
  }

  #begin(address: string, parameters: MailParameters): void {
    const transaction = this.#transaction.own();
    transaction.put("sender", bytesOf(address).toLowerCase());
    transaction.put("senderaddress", arrayOf(addressTree(address)));
    transaction.put("senderparams", arrayOf(mailTree(parameters)));
    this.#transaction = transaction;
  }

  #know(name: string, tree: Value): void {
    this.#connection = this.#connection.own();
    this.#connection.put(name, tree);
  }

  /** For hooks whose scripts only accept and refuse. Wishes that make no sense count as a failure of the script. */
  #judged<W>(script: HookScript, given: HslArray, wishOf: (run: HookRun) => W): Asked<Answer<W>> {
    return then(this.#ask(script, given), (answer) => {
      if (answer.kind === "refuse") return answer;
      if (answer.kind === "other") throw new Error(`bug: ${answer.action.kind} is no action of this hook`);
      try {
        return { ...answer, wish: wishOf(answer.wish) };
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        this.#runner.complain(script, error.message);
        const after = afterFailure(script);
        return after.kind === "refuse" ? after : { ...after, wish: wishOf(after.wish) };
      }
    });
  }

  #ask(script: HookScript, given: HslArray, transactionId = ""): Asked<Verdict> {
    const transaction = this.#transaction.own();
    if (transaction.size > 0) transaction.put("recipients", HslArray.of([...this.#recipients]));
    this.#transaction = transaction;
    const variables = {
      arguments: given,
      connection: this.#connection,
      transaction,
      context: this.#context,
    };
    const run = new HookRun(script.hook, transactionId);
    return then(this.#runner.run(script, run, { world: this.#world, variables }), (ran) => {
      if (!ran.hasFailed) this.#context = onlyData(ran.variable("context"));
      return judge(script, ran);
    });
  }
}

/** What an action, its lack, or a failure means. */
function judge(script: HookScript, { run, hasFailed }: Ran): Verdict {
  const stage = script.hook as SessionHook;
  if (hasFailed) return afterFailure(script);
  const { action } = run;
  if (action === null) return { kind: "go", wish: run, reply: null, isDecided: false };
  switch (action.kind) {
    case "accept":
      return { kind: "go", wish: run, reply: ownWords(stage, action), isDecided: true };
    case "reject":
      return { kind: "refuse", reply: replyOf(action, rejections[stage], stage === "connect") };
    case "defer":
      return { kind: "refuse", reply: replyOf(action, deferrals[stage], stage === "connect") };
    case "disconnect":
      return { kind: "refuse", reply: replyOf(action, goodbye, true) };
    default:
      return { kind: "other", action };
  }
}

function afterFailure({ hook, onError }: HookScript): Answer<HookRun> {
  const stage = hook as SessionHook;
  const isLast = stage === "connect";
  const said = { reason: null, options: null };
  if (onError === "reject") return { kind: "refuse", reply: replyOf(said, rejections[stage], isLast) };
  if (onError === "defer") return { kind: "refuse", reply: replyOf(said, failures[stage], isLast) };
  return { kind: "go", wish: new HookRun(hook), reply: null, isDecided: false };
}

function ownWords(stage: SessionHook, action: Action): Reply | null {
  const hasWords = action.reason !== null || (action.options?.has("reply_codes") ?? false);
  return hasWords ? replyOf(action, acceptances[stage]) : null;
}

/** An address in place of the client's, or null. Throws a Refusal for what is none. */
function wishedAddress(run: HookRun, name: string): string | null {
  const value = run.wish(name);
  if (value === null) return null;
  const address = addressOf(value);
  if (address === null || !isMailbox(address)) throw new Refusal(`${name} is no address`);
  return address;
}

/** EHLO lines that a script wants; null when it wants the usual ones. */
function wordsOf(value: Value): readonly string[] | null {
  if (!(value instanceof HslArray)) return null;
  const words = value.values().filter((word): word is string => typeof word === "string");
  return words
    .map(clean)
    .filter((word) => /^[A-Za-z0-9]/.test(word))
    .slice(0, 50);
}

function saidTree(reply: Reply): HslArray {
  const lines = reply.bytes.toString("latin1").trimEnd().split("\r\n");
  const enhanced = /^\d{3}[ -](\d)\.(\d{1,3})\.(\d{1,3}) /.exec(lines[0] ?? "");
  const skip = enhanced === null ? 4 : enhanced[0].length;
  return arrayOf({
    code: reply.code,
    ...(enhanced === null ? {} : { enhanced: listOf(enhanced.slice(1).map(Number)) }),
    reason: listOf(lines.map((line) => line.slice(skip))),
  });
}
