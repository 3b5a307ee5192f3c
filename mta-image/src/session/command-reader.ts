/**
 * Reads the command lines of a connection: judges their form, traces them, and gives each to the conversation that it is for. An
 * incomplete one is kept until its rest comes; who sends ahead of a reply that it has to wait for is turned away. Never throws.
 */
import type { Clock } from "#base/clock.ts";

import { mayHaveMore, parseCommand, refused } from "../smtp/command.ts";
import { type Reply, replies } from "../smtp/reply.ts";
import type { Traced } from "../trace/traced.ts";
import { mayTurn } from "./command-filter.ts";
import type { Commands } from "./commands.ts";
import type { Conversation } from "./conversation.ts";
import type { LastWords } from "./last-words.ts";
import { LineReader } from "./line-reader.ts";
import type { WaitingInput } from "./waiting-input.ts";

export interface CommandReaderOptions {
  readonly clock: Clock;
  readonly traced: Traced;
  readonly input: WaitingInput;
  readonly last: LastWords;
  readonly say: (reply: Reply) => void;
  /** Says a reply to one that does not follow the rules, which ends the connection. */
  readonly turnAway: (reply: Reply) => void;
}

export class CommandReader {
  readonly #options: CommandReaderOptions;
  readonly #lines = new LineReader();
  /** When the wait for the next complete command began; monotonic. */
  since: number;

  constructor(options: CommandReaderOptions) {
    this.#options = options;
    this.since = options.clock.monotonic();
  }

  /** Runs one line and returns where the next begins; an incomplete one is kept and the end is returned. */
  read(data: Buffer, start: number, talk: Conversation): number {
    const next = this.#lines.findEnd(data, start);
    const isAnswer = talk.commands.isAsking;
    if (next === -1) return this.#keep(data, start, isAnswer);
    this.since = this.#options.clock.monotonic();
    const fault = this.#lines.judge(data, { start, next, isAnswer });
    if (isAnswer) this.#readAnswer(data, { start, next, fault, commands: talk.commands });
    else this.#readCommand(data, start, next, fault, talk);
    return next;
  }

  #keep(data: Buffer, start: number, isAnswer: boolean): number {
    const { input, say } = this.#options;
    input.keep(this.#lines.keep(data, start, isAnswer));
    if (this.#lines.isHopeless) say(replies.inputTooLong);
    return data.length;
  }

  #readCommand(
    data: Buffer,
    start: number,
    next: number,
    fault: Reply | null,
    { commands, hooks }: Conversation,
  ): void {
    const { traced, last, turnAway } = this.#options;
    traced.now?.client(data.toString("utf8", start, next - 2));
    const command = fault === null ? parseCommand(data, start, next - 2) : refused(fault);
    const line =
      fault === null && hooks?.has("proxy") === true ? data.toString("latin1", start, next - 2) : null;
    const mayTurnOut = line !== null && mayTurn(line, command);
    last.heard(command);
    if (hooks?.has("disconnect") === true) last.name(command, data, start, next);
    if (next < data.length && (mayTurnOut || !mayHaveMore(command, commands.isExtended)))
      turnAway(replies.impatient);
    else if (line !== null) commands.runAsked(line, command);
    else commands.run(command);
  }

  /** A line of an exchange that AUTH began; its length and line end are judged like those of a command. */
  #readAnswer(
    data: Buffer,
    line: { start: number; next: number; fault: Reply | null; commands: Commands },
  ): void {
    const { start, next, fault, commands } = line;
    const { traced, turnAway } = this.#options;
    traced.now?.secret();
    if (next < data.length) turnAway(replies.impatient);
    else commands.answer(data.toString("latin1", start, next - 2), fault);
  }
}
