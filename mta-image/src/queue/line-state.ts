/** What admission remembers of one line, made when a rule first concerns it. */
import type { Remote } from "./grouping.ts";
import type { CountedLine } from "./quotas.ts";
import type { Judgement } from "./rulebook.ts";
import { Gate } from "./waiting-room.ts";

export class LineState extends Gate {
  /** Of the rules that `judged` was made by. */
  version = -1;
  judged: readonly { readonly source: string; readonly judgement: Judgement }[] | null = null;
  remote: Remote | null = null;
  isLocating = false;
  /** When the hosts are to be asked for again, monotonic. */
  locateAt = 0;
  /** Sources that are equally good take turns. */
  turn: number;

  constructor(wake: () => void, turn = 0) {
    super(wake);
    this.turn = turn;
  }
}

/** A line of entries that share all facts. */
export interface Line extends CountedLine {
  /** The only source addresses to use; null: all of the transport. */
  readonly localIps: readonly string[] | null;
  state: LineState | null;
}
