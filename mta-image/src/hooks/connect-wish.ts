/** What a script at connect wants to be known of the client. Pure; throws a Refusal for what makes no sense. */
import { isIP } from "node:net";

import { Refusal } from "../script/error.ts";
import type { HookRun } from "./hook-run.ts";

/** Null: as it was. */
export interface ConnectWish {
  readonly remoteIp: string | null;
  readonly name: string | null;
  readonly priority: number | null;
}

export function connectWish(run: HookRun): ConnectWish {
  const [remoteIp, name, priority] = [run.wish("remoteip"), run.wish("remoteptr"), run.wish("priority")];
  if (remoteIp !== null && (typeof remoteIp !== "string" || isIP(remoteIp) === 0))
    throw new Refusal("remoteip is no address");
  if (name !== null && (typeof name !== "string" || name.length > 255))
    throw new Refusal("remoteptr is no name");
  const isRank = typeof priority === "number" && Number.isInteger(priority) && Math.abs(priority) <= 9;
  if (priority !== null && !isRank) throw new Refusal("priority is a whole number from -9 to 9");
  return { remoteIp, name, priority };
}
