/**
 * One command line to one tagged value, or the reply that refuses it. Works on the bytes of the line without
 * its CRLF. Pure: what is allowed now is the session's question. Never throws.
 */
import { type Path, isAddressLiteral, parsePath } from "./address.ts";
import { parseChunk } from "./chunk.ts";
import {
  type MailParameters,
  type RcptParameters,
  parseMailParameters,
  parseRcptParameters,
} from "./parameters.ts";
import { type Reply, replies } from "./reply.ts";
import { type NamedClient, parseXclient } from "./xclient.ts";

export type Command =
  | { readonly kind: "hello"; readonly extended: boolean; readonly name: string }
  | { readonly kind: "mail"; readonly path: Path; readonly parameters: MailParameters }
  | { readonly kind: "rcpt"; readonly path: Path; readonly parameters: RcptParameters }
  | { readonly kind: "rset" | "noop" | "quit" | "verify" | "help" }
  | { readonly kind: "data" }
  | { readonly kind: "startTls" }
  | { readonly kind: "auth"; readonly mechanism: string; readonly initial: string | null }
  | { readonly kind: "bdat"; readonly size: number; readonly isLast: boolean }
  /** A client that we trust speaks for another one. */
  | { readonly kind: "xclient"; readonly client: NamedClient }
  /** Somebody speaks another protocol: hang up (Postfix calls them forbidden commands). */
  | { readonly kind: "foreign" }
  | { readonly kind: "refused"; readonly reply: Reply };

export type CommandOf<K extends Command["kind"]> = Extract<Command, { kind: K }>;

const refusals = new Map<Reply, Command>();
const simple = {
  data: { kind: "data" },
  rset: { kind: "rset" },
  noop: { kind: "noop" },
  quit: { kind: "quit" },
  verify: { kind: "verify" },
  help: { kind: "help" },
  startTls: { kind: "startTls" },
  foreign: { kind: "foreign" },
} as const;

/** Commands that end a pipelined group (RFC 2920 3.1, RFC 4954 4): what follows depends on the reply. */
const GROUP_ENDS: ReadonlySet<Command["kind"]> = new Set(["hello", "data", "startTls", "auth", "xclient"]);

/** Whether bytes may stand behind the command that were sent without waiting for our reply to it. */
export function mayHaveMore({ kind }: Command, isExtended: boolean): boolean {
  return kind === "foreign" || (isExtended && !GROUP_ENDS.has(kind));
}

export function parseCommand(line: Buffer, start: number, end: number): Command {
  const text = line.toString("latin1", start, end);
  const space = text.indexOf(" ");
  const verb = (space === -1 ? text : text.slice(0, space)).toUpperCase();
  const rest = space === -1 ? "" : text.slice(space + 1);
  switch (verb) {
    case "MAIL":
      return parseMail(rest);
    case "RCPT":
      return parseRcpt(rest);
    case "DATA":
      return alone(simple.data, rest);
    case "AUTH":
      return parseAuth(rest);
    case "XCLIENT":
      return parseNamedClient(rest);
    case "BDAT":
      return parseBdat(rest);
    case "EHLO":
      return parseHello(rest, true);
    case "HELO":
      return parseHello(rest, false);
    case "RSET":
      return alone(simple.rset, rest);
    case "QUIT":
      return alone(simple.quit, rest);
    case "STARTTLS":
      return alone(simple.startTls, rest);
    case "NOOP":
      return simple.noop;
    case "VRFY":
      return rest === "" ? refused(replies.badParameter) : simple.verify;
    case "HELP":
      return simple.help;
    case "EXPN":
    case "TURN":
    case "ETRN":
      return refused(replies.notImplemented);
    case "GET":
    case "POST":
    case "PUT":
    case "CONNECT":
    case "HEAD":
      return simple.foreign;
    default:
      // A TLS client hello on the plain port: there is no conversation to be had.
      return text.charCodeAt(0) === 0x16 ? simple.foreign : refused(replies.unknownCommand);
  }
}

function parseMail(rest: string): Command {
  if (!/^from:</i.test(rest)) return refused(replies.badSender);
  const path = parsePath(rest, 5);
  if (path === null || (path.domain === "" && path.address !== "")) return refused(replies.badSender);
  const parameters = parseMailParameters(rest.slice(path.end));
  if ("bytes" in parameters) return refused(parameters);
  if (path.isUtf8 && !parameters.smtpUtf8) return refused(replies.needsSmtpUtf8);
  return { kind: "mail", path, parameters };
}

function parseRcpt(rest: string): Command {
  if (!/^to:</i.test(rest)) return refused(replies.badRecipient);
  const path = parsePath(rest, 3);
  if (path === null || path.address === "") return refused(replies.badRecipient);
  const parameters = parseRcptParameters(rest.slice(path.end));
  return "bytes" in parameters ? refused(parameters) : { kind: "rcpt", path, parameters };
}

/** RFC 5321 4.1.1.1; many real clients send odd names, so only what could harm a log or header is refused. */
function parseHello(rest: string, extended: boolean): Command {
  const name = rest.trim();
  const valid = name.startsWith("[") ? isAddressLiteral(name) : /^[A-Za-z0-9._:-]{1,255}$/.test(name);
  if (!valid) return refused(replies.needsName);
  // Copied: it stands in each record of the session's mail, and JSON.stringify takes twice as long over what has a slice in it.
  return { kind: "hello", extended, name: Buffer.from(name, "latin1").toString("latin1") };
}

/** RFC 4954 4: a mechanism and perhaps the first answer. */
function parseAuth(rest: string): Command {
  const match = /^([A-Za-z0-9_-]{1,20})(?: ([A-Za-z0-9+/=]+|\*))?$/.exec(rest);
  if (match === null) return refused(replies.badParameter);
  return { kind: "auth", mechanism: (match[1] ?? "").toUpperCase(), initial: match[2] ?? null };
}

function parseNamedClient(rest: string): Command {
  const client = parseXclient(rest);
  return client === null ? refused(replies.badParameter) : { kind: "xclient", client };
}

function parseBdat(rest: string): Command {
  const chunk = parseChunk(rest);
  return chunk === null ? refused(replies.badChunk) : { kind: "bdat", ...chunk };
}

function alone(command: Command, rest: string): Command {
  return rest.trim() === "" ? command : refused(replies.noParameters);
}

/** A line that is refused whatever the state; made once per reply. */
export function refused(reply: Reply): Command {
  const known = refusals.get(reply);
  if (known !== undefined) return known;
  const command: Command = { kind: "refused", reply };
  refusals.set(reply, command);
  return command;
}
