/** The seam between the commands of a conversation and the session that has the connection. The commands own it. */
import type { Reply } from "../smtp/reply.ts";
import type { NamedClient } from "../smtp/xclient.ts";

/** What commands may do with the connection. */
export interface Floor {
  /** One that hangs up ends everything after its bytes. */
  say(reply: Reply): void;
  /** Nothing more is read until the promise is there; `then` is left out when the client has gone. */
  wait<T>(asked: Promise<T>, then: (value: T) => void): void;
  read(what: "commands" | "content"): void;
  /** The 220 was said. */
  startTls(): void;
  /** Another client is spoken for from now on: it is greeted. */
  become(client: NamedClient): void;
}
