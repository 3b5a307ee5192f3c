/**
 * A client somewhere else that sends mail and keeps what the server said, as a process of its own inside a network
 * namespace. It reads its order from the command line as JSON (mail-sender.ts) and prints one JSON object: how often
 * each reply came. With `isLasting` it sends over and over, each time as "<n>" + `from`, until its input ends.
 */
import { createTransport } from "nodemailer";
import { z } from "zod";

const Order = z.object({
  host: z.string(),
  port: z.int(),
  /** Address to come from; this machine chooses when absent. */
  localAddress: z.string().optional(),
  from: z.string(),
  to: z.string(),
  raw: z.string(),
  isLasting: z.boolean(),
  /** Connections at once, each with one mail. */
  connections: z.int(),
});
export type MailOrder = z.infer<typeof Order>;

const order = Order.parse(JSON.parse(process.argv[2] ?? ""));
const replies = new Map<string, number>();
let isOver = !order.isLasting;
let sent = 0;
process.stdin.on("end", () => (isOver = true)).resume();

async function send(): Promise<void> {
  const { host, port, localAddress, from, to, raw, isLasting } = order;
  const transport = createTransport({
    ...{ host, port, ignoreTLS: true, name: "client.example.org", connectionTimeout: 10_000 },
    ...(localAddress === undefined ? {} : { localAddress }),
  });
  const sender = isLasting ? `${sent++}${from}` : from;
  const said = await transport
    .sendMail({ envelope: { from: sender, to }, raw })
    .then(({ response }) => response)
    .catch((error: { response?: string; message: string }) => error.response ?? error.message);
  transport.close();
  // What differs from mail to mail is of no interest here.
  const reply = isLasting ? said.slice(0, 3) : said;
  replies.set(reply, (replies.get(reply) ?? 0) + 1);
}

async function work(): Promise<void> {
  do await send();
  while (!isOver);
}

await Promise.all(Array.from({ length: order.connections }, work));
process.stdout.write(JSON.stringify(Object.fromEntries(replies)));
process.exit(0);
