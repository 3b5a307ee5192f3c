/** The client of mail-client.ts seen from a scenario. Rejects with what the process said when it gives no replies. */
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { z } from "zod";

import type { MailOrder } from "./mail-client.ts";
import { run, start } from "./shell.ts";

const script = fileURLToPath(new URL("mail-client.ts", import.meta.url));
const Replies = z.record(z.string(), z.int());
/** How often each reply came. */
export type Replies = z.infer<typeof Replies>;

/** One mail; resolves with the reply. */
export async function sendMail(
  mail: Omit<MailOrder, "isLasting" | "connections">,
  namespace: string | null,
): Promise<string> {
  const order: MailOrder = { ...mail, isLasting: false, connections: 1 };
  const out = await run(process.execPath, [script, JSON.stringify(order)], { namespace });
  return Object.keys(Replies.parse(JSON.parse(out)))[0] ?? "";
}

/** Mail without end; the result stops it and resolves with the replies, as their codes. */
export function keepSending(
  mail: Omit<MailOrder, "isLasting">,
  namespace: string | null,
): () => Promise<Replies> {
  const order: MailOrder = { ...mail, isLasting: true };
  const child = start(process.execPath, [script, JSON.stringify(order)], { namespace });
  const said: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => said.push(chunk));
  const closed = once(child, "close");
  return async () => {
    child.stdin?.end();
    await closed;
    return Replies.parse(JSON.parse(Buffer.concat(said).toString("utf8")));
  };
}
