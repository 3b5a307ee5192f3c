/**
 * What becomes of a command that a script was shown before it was run (pure). Whatever the script says, the bytes that the client
 * sends behind the command stay what they are, for the client may have sent them already: a chunk is read over, no command becomes
 * content, and no content a command.
 */
import type { ProxyAnswer } from "../hooks/session-answers.ts";
import { type Command, parseCommand } from "../smtp/command.ts";
import { type Reply, replies } from "../smtp/reply.ts";

type Chunk = Extract<Command, { kind: "bdat" }>;

export type Filtered =
  | { readonly kind: "run"; readonly command: Command }
  | { readonly kind: "say"; readonly reply: Reply }
  /** Its message, which would be without it, is of no use any more. */
  | { readonly kind: "skip"; readonly chunk: Chunk; readonly reply: Reply };

/** Behind these comes something else than commands (content, a handshake, the lines of a login), or another client's. */
const turning: ReadonlySet<string> = new Set(["BDAT", "DATA", "STARTTLS", "AUTH", "XCLIENT"]);

/** Nobody knows how much follows a chunk of no size: it ends the connection whatever a script says. */
export function isFiltered(command: Command): boolean {
  return command.kind !== "refused" || !command.reply.hangUp;
}

/** Refused as it stands, but a script may mend it: what follows must wait for the reply all the same. */
export function mayTurn(line: string, command: Command): boolean {
  return command.kind === "refused" && turning.has(verbOf(line));
}

/** `line` is what the client sent, `command` what it means. */
export function filter(line: string, command: Command, answer: ProxyAnswer): Filtered {
  if (answer.kind === "reply") return instead(command, answer.reply);
  const changed = answer.command;
  if (changed === null) return { kind: "run", command };
  const passed = parseCommand(Buffer.from(changed, "latin1"), 0, changed.length);
  if (chunkBytes(passed) !== chunkBytes(command)) return instead(command, replies.chunkChanged);
  return isTurned(line, changed) ? instead(command, replies.commandTurned) : { kind: "run", command: passed };
}

function instead(command: Command, reply: Reply): Filtered {
  return command.kind === "bdat" ? { kind: "skip", chunk: command, reply } : { kind: "say", reply };
}

/** How many bytes follow the command. */
function chunkBytes(command: Command): number {
  return command.kind === "bdat" ? command.size : 0;
}

/** Told by the verbs, for a script may mend what is wrong behind them. */
function isTurned(line: string, changed: string): boolean {
  const [before, after] = [verbOf(line), verbOf(changed)];
  return before !== after && (turning.has(before) || turning.has(after));
}

function verbOf(line: string): string {
  return (line.split(" ", 1)[0] ?? "").toUpperCase();
}
