/**
 * What becomes of a command that a script was shown before it was run (pure). Whatever the script says, the bytes that the client
 * sends behind the command stay what they are: a chunk is read over, and nothing else becomes one.
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

/** Nobody knows how much follows a chunk of no size: it ends the connection whatever a script says. */
export function isFiltered(command: Command): boolean {
  return command.kind !== "refused" || !command.reply.hangUp;
}

export function filter(command: Command, answer: ProxyAnswer): Filtered {
  if (answer.kind === "reply") return instead(command, answer.reply);
  const passed = answer.command === null ? command : parse(answer.command);
  return chunkBytes(passed) === chunkBytes(command)
    ? { kind: "run", command: passed }
    : instead(command, replies.chunkChanged);
}

function instead(command: Command, reply: Reply): Filtered {
  return command.kind === "bdat" ? { kind: "skip", chunk: command, reply } : { kind: "say", reply };
}

/** How many bytes follow the command. */
function chunkBytes(command: Command): number {
  return command.kind === "bdat" ? command.size : 0;
}

function parse(line: string): Command {
  return parseCommand(Buffer.from(line, "latin1"), 0, line.length);
}
