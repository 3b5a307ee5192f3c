/** What a script at disconnect hears: who closed, what was said last and to what, and what broke the connection. Pure. */
import type { Reply } from "../smtp/reply.ts";
import type { HslArray } from "../script/value.ts";
import { type Tree, arrayOf, bytesOf } from "./texts.ts";
import { saidTree } from "./verdict.ts";

export interface Ending {
  readonly close: "local" | "remote";
  /** The last thing that was said; null when nothing was. */
  readonly reply: Reply | null;
  /** What that answered: CONNECT, a command, or EOD. */
  readonly state: string;
  /** What broke the socket, as Node tells it; null when nothing did. */
  readonly error: NodeJS.ErrnoException | null;
}

export function endingArguments({ close, reply, state, error }: Ending): HslArray {
  const said = reply === null ? undefined : saidTree(reply).own();
  said?.put("state", bytesOf(state));
  return arrayOf({
    close,
    reply: said,
    ...(error === null ? {} : { error: errorTree(error) }),
  });
}

/** `code` is the errno, or OpenSSL's number, which stands in its message. */
function errorTree({ message, errno, code = "" }: NodeJS.ErrnoException): Tree {
  const openssl = /\berror:([0-9A-F]{8}):/i.exec(message)?.[1];
  const isTls = openssl !== undefined || code.startsWith("ERR_SSL") || code.startsWith("ERR_TLS");
  const number = openssl === undefined ? errno : Number.parseInt(openssl, 16);
  return {
    reason: bytesOf(message),
    type: isTls ? "tls" : "socket",
    ...(number === undefined ? {} : { code: Math.abs(number) }),
  };
}
