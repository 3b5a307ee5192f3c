/** One run of one server: fresh start, warm-up, then messages against the clock. Rejects with what kept it from working. */
import { setTimeout as wait } from "node:timers/promises";

import { sendWithSmtpSource } from "../peers/smtp-source.ts";
import { type Use, syscallsOf, useOf } from "./cost.ts";
import { CountingSink } from "./sink.ts";
import type { Running, Subject } from "./subjects.ts";

export interface Load {
  readonly name: string;
  readonly sizeBytes: number;
  readonly isReconnecting: boolean;
}

/** Per second; what cannot be read of a server is null. */
export interface Figures {
  readonly accepted: number;
  readonly delivered: number;
  readonly cpuMicros: number | null;
  /** Bytes that went to disk for each byte of mail. */
  readonly writtenShare: number | null;
}

export const CONNECTIONS = 40;

export async function measure(subject: Subject, load: Load, count: number): Promise<Figures> {
  return withServer(subject, load, count, async ({ pid }, send) => {
    const before = pid === null ? null : await useOf(pid);
    const started = performance.now();
    const { accepted, delivered } = await send(count);
    return {
      accepted: (count * 1000) / (accepted - started),
      delivered: (count * 1000) / (delivered - started),
      ...costOf(before, pid === null ? null : await useOf(pid), count * load.sizeBytes, count),
    };
  });
}

/** System calls a message, by themselves since they are counted slowly; null where nobody can count them. */
export function countSyscalls(subject: Subject, load: Load, count: number): Promise<number | null> {
  return withServer(subject, load, count, async ({ pid }, send) => {
    const all = pid === null ? null : await syscallsOf(pid, async () => void (await send(count)));
    return all === null ? null : all / count;
  });
}

interface Times {
  readonly accepted: number;
  readonly delivered: number;
}

/** A connection, caches and the compiler are warm before `act` begins: a tenth of the messages leaves code of Node cold. */
async function withServer<T>(
  subject: Subject,
  load: Load,
  count: number,
  act: (server: Running, send: (messages: number) => Promise<Times>) => Promise<T>,
): Promise<T> {
  const sink = await CountingSink.start();
  const server = await subject.start(sink.port).catch((error: unknown) => {
    sink.stop();
    throw error;
  });
  let sent = 0;
  const send = async (messages: number): Promise<Times> => {
    sent += messages;
    await sendWithSmtpSource({
      ...load,
      address: "127.0.0.1",
      port: server.port,
      messages,
      connections: CONNECTIONS,
      sender: "sender@example.org",
      recipient: "user@example.net",
      numbered: false,
    });
    const accepted = performance.now();
    await untilCount(sink, sent);
    return { accepted, delivered: performance.now() };
  };
  try {
    await send(count);
    return await act(server, send);
  } finally {
    await server.stop();
    sink.stop();
  }
}

/** The sink may hold its last count back in a buffer; a pause without change ends the wait when that is all. */
async function untilCount(sink: CountingSink, wanted: number): Promise<void> {
  for (let quietMs = 0, before = -1; sink.messages < wanted && quietMs < 5000; ) {
    quietMs = sink.messages === before ? quietMs + 5 : 0;
    before = sink.messages;
    await wait(5);
  }
  if (sink.messages < wanted) throw new Error(`the sink has ${sink.messages} of ${wanted} messages`);
}

function costOf(
  before: Use | null,
  after: Use | null,
  bytes: number,
  count: number,
): Pick<Figures, "cpuMicros" | "writtenShare"> {
  if (before === null || after === null) return { cpuMicros: null, writtenShare: null };
  return {
    cpuMicros: ((after.cpuSeconds - before.cpuSeconds) * 1e6) / count,
    writtenShare: (after.writtenBytes - before.writtenBytes) / bytes,
  };
}
