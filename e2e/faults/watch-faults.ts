/**
 * What a fault does to the lines of one watch on their way to the client. `passOn` gives each whole line to the client's
 * side until the fault strikes, and calls `cut` when the line is to break.
 */
import type { Readable, Writable } from "node:stream";

import type { Fault } from "./schedule.ts";

const EXPIRED = {
  type: "ERROR",
  object: {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: "too old resource version",
    reason: "Expired",
    code: 410,
  },
};
const EXPIRE_AFTER_MS = 300;

export function passOn(from: Readable, to: Writable, fault: Fault | null, cut: () => void): void {
  let rest = "";
  let silent = false;
  from.setEncoding("utf8");
  from.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (silent) continue;
      to.write(`${line}\n`);
      if (fault?.kind === "echo") to.write(`${line}\n`);
    }
  });
  from.on("end", () => to.end());
  from.on("error", cut);
  to.on("close", () => from.destroy());
  if (fault?.kind === "expire")
    setTimeout(() => {
      silent = true;
      to.end(`${JSON.stringify(EXPIRED)}\n`);
    }, EXPIRE_AFTER_MS);
  if (fault?.kind !== "break") return;
  silent = true;
  setTimeout(() => {
    to.write('{"type":"MODIFIED","object":{"kind":"P', cut);
  }, fault.ms);
}
