/**
 * A mail server "somewhere else" that keeps a ledger: how often each recipient address was delivered to. Senders
 * of scenarios give every message a recipient of its own, so what was lost or doubled shows at once. It runs as a
 * process of its own (inside a network namespace) and is asked over standard input, one word a line:
 *
 *   report             {"deliveries":2000,"recipients":2000,"doubled":[]}
 *   recipients         {"<address>":<deliveries>, …}
 *   head ADDRESS       {"head":"…"}: how the last mail to it began, of the latest hundred; "" for none
 *   mode accept|defer  whether mail is taken or put off with 451; answers {"mode":"defer"}
 *   pace N             milliseconds before each end of data is answered; answers {"pace":N}
 *   doubles            {"<address>":[1790000000000, …], …}: when those came that came more than once
 *   busy               {"most":7}: transactions at once, at most since this was asked last
 *   faults SEED CHANCE from now on so many of all messages (0 to 1) go wrong (far-side.ts); 0 ends it
 *   wrongs             {"counts":{"cut":3,…},"unanswered":2}: what went wrong so far; `unanswered` were taken, and the line
 *                      broke before the reply, by a fault or since the sender died: they are no deliveries, and their
 *                      sender has to bring them again
 *
 * The first line of output is {"ready":true}. An address that cannot be had ends the process with its error.
 */
import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { SMTPServer, type SMTPServerSession } from "smtp-server";

import { FarSide, LATE_MS } from "./far-side.ts";

const { values } = parseArgs({
  options: { address: { type: "string", default: "127.0.0.1" }, port: { type: "string", default: "0" } },
});

const MOST_HEAD = 4096;
const MOST_HEADS = 100;
/** By recipient: when it was delivered to. */
const ledger = new Map<string, number[]>();
const heads = new Map<string, string>();
let isDeferring = false;
let paceMs = 0;
let faults = new FarSide(0, 0);
let unanswered = 0;
/** Sessions between MAIL and the reply to the end of data. */
const busy = new Set<string>();
/** Their client went away before it had its reply. */
const gone = new Set<string>();
let most = 0;

const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ["AUTH", "STARTTLS"],
  disableReverseLookup: true,
  maxClients: 10_000,
  logger: false,
  onMailFrom(_address, session, done) {
    busy.add(session.id);
    most = Math.max(most, busy.size);
    done();
  },
  onClose(session) {
    if (busy.delete(session.id)) gone.add(session.id);
  },
  onData(stream, session, done) {
    let head = "";
    stream.on("data", (piece: Buffer) => {
      if (head.length < MOST_HEAD) head += piece.toString("latin1");
    });
    stream.on("end", () => {
      for (const { address } of session.envelope.rcptTo) remember(address, head.slice(0, MOST_HEAD));
      void answer(session, done);
    });
  },
});

function remember(address: string, head: string): void {
  heads.delete(address);
  heads.set(address, head);
  const [oldest] = heads.keys();
  if (heads.size > MOST_HEADS && oldest !== undefined) heads.delete(oldest);
}

async function answer(
  session: SMTPServerSession,
  done: (error?: Error & { responseCode?: number }) => void,
): Promise<void> {
  const fault = isDeferring ? null : faults.next();
  if (paceMs > 0) await wait(paceMs);
  if (fault === "late") await wait(LATE_MS);
  const isTaken = !isDeferring && fault !== "put-off" && fault !== "cut";
  const isGone = gone.delete(session.id);
  if (isTaken && (isGone || fault === "lose-reply")) unanswered += session.envelope.rcptTo.length;
  if (isGone) return done();
  if (fault === "lose-reply" || fault === "cut") return cut(session);
  busy.delete(session.id);
  if (!isTaken) return done(Object.assign(new Error("4.7.1 Try again later"), { responseCode: 451 }));
  for (const { address } of session.envelope.rcptTo)
    ledger.set(address, [...(ledger.get(address) ?? []), Date.now()]);
  done();
}

/** The library has no way to say nothing. */
function cut({ id }: SMTPServerSession): void {
  const connections = server.connections as Set<{ readonly id: string; readonly _socket: Socket }>;
  for (const connection of connections) if (connection.id === id) connection._socket.destroy();
}

function obey(line: string): unknown {
  const [word, argument, second] = line.trim().split(" ");
  switch (word) {
    case "report":
      return report();
    case "recipients":
      return Object.fromEntries([...ledger].map(([address, times]) => [address, times.length]));
    case "head":
      return { head: heads.get(argument ?? "") ?? "" };
    case "mode":
      isDeferring = argument === "defer";
      return { mode: argument };
    case "pace":
      paceMs = Number(argument);
      return { pace: paceMs };
    case "doubles":
      return Object.fromEntries([...ledger].filter(([, times]) => times.length > 1));
    case "busy":
      return busiest();
    case "faults":
      if (Number(second) === 0) faults.chance = 0;
      else faults = new FarSide(Number(argument), Number(second));
      return { chance: Number(second) };
    case "wrongs":
      return { counts: faults.counts, unanswered };
    default:
      return { error: `unknown word ${word}` };
  }
}

function busiest(): unknown {
  const answer = { most };
  most = busy.size;
  return answer;
}

function report(): unknown {
  let deliveries = 0;
  const doubled: string[] = [];
  for (const [address, times] of ledger) {
    deliveries += times.length;
    if (times.length > 1) doubled.push(address);
  }
  return { deliveries, recipients: ledger.size, doubled };
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

server.on("error", (error) => {
  // A client that goes away is no trouble of ours; a listening socket that fails is.
  if (!server.server.listening) throw error;
});
server.listen(Number(values.port), values.address, () => {
  const bound = server.server.address();
  print({ ready: true, port: typeof bound === "object" && bound !== null ? bound.port : 0 });
});
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => print(obey(line)));
lines.on("close", () => process.exit(0));
