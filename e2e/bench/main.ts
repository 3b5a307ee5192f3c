/**
 * Messages a second that one mail server takes (each answered with 250 only when it is safe) and passes on to another
 * server, for Postfix and for one process of ours, with smtp-source and smtp-sink on both sides of each:
 *
 *   make bench        or: node e2e/bench/main.ts [rounds] [messages]
 *
 * Servers take turns within a round, so a machine that gets slower gets slower for all; what is printed are medians
 * with the least and the most, and ratios of medians. `accepted` counts until smtp-source has its last 250, `delivered`
 * until the sink has the last message. Figures are good for comparing within one run only.
 */
import { loadavg } from "node:os";
import { setTimeout as wait } from "node:timers/promises";

import { sendWithSmtpSource } from "../peers/smtp-source.ts";
import { CountingSink } from "./sink.ts";
import { type Subject, ceiling, mailfleet, postfix } from "./subjects.ts";

const rounds = Number(process.argv[2] ?? 5);
const messages = Number(process.argv[3] ?? 10_000);
const SIZE_BYTES = 4096;
const CONNECTIONS = 40;
/** Postfix is slower; its share of a round is shorter, so that a round stays comparable in time. */
const shares: readonly (readonly [Subject, number])[] = [
  [ceiling, messages * 2],
  [postfix, Math.ceil(messages / 4)],
  [mailfleet, messages],
];

interface Figures {
  readonly accepted: number;
  readonly delivered: number;
}

const results = new Map<Subject, Figures[]>(shares.map(([subject]) => [subject, []]));
for (let round = 1; round <= rounds; round++) {
  for (const [subject, count] of shares) {
    const figures = await measure(subject, count);
    results.get(subject)?.push(figures);
    process.stdout.write(
      `round ${round} ${subject.name}: ${text(figures)} (load ${loadavg()[0]?.toFixed(1)})\n`,
    );
  }
}
print();

async function measure(subject: Subject, count: number): Promise<Figures> {
  const sink = await CountingSink.start();
  const server = await subject.start(sink.port);
  try {
    // A connection, caches and the compiler are warm before the clock starts.
    const warmUp = Math.ceil(count / 10);
    await send(server.port, warmUp);
    await untilCount(sink, warmUp);
    const started = performance.now();
    await send(server.port, count);
    const accepted = performance.now();
    await untilCount(sink, warmUp + count);
    const delivered = performance.now();
    return {
      accepted: (count * 1000) / (accepted - started),
      delivered: (count * 1000) / (delivered - started),
    };
  } finally {
    await server.stop();
    sink.stop();
  }
}

async function send(port: number, count: number): Promise<void> {
  await sendWithSmtpSource({
    address: "127.0.0.1",
    port,
    messages: count,
    connections: CONNECTIONS,
    sizeBytes: SIZE_BYTES,
    sender: "sender@example.org",
    recipient: "user@example.net",
    numbered: false,
  });
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

function print(): void {
  const rows = shares.map(([subject]) => {
    const figures = results.get(subject) ?? [];
    return {
      name: subject.name,
      accepted: spread(figures, "accepted"),
      delivered: spread(figures, "delivered"),
    };
  });
  const [top, other, ours] = rows as [Row, Row, Row];
  process.stdout.write(
    [
      "",
      `${SIZE_BYTES} bytes, ${CONNECTIONS} connections, ${rounds} rounds; messages a second, median (least to most)`,
      "",
      "| server | accepted | delivered |",
      "|---|---|---|",
      ...rows.map(({ name, accepted, delivered }) => `| ${name} | ${show(accepted)} | ${show(delivered)} |`),
      "",
      `accepted against Postfix: ${ratio(ours.accepted, other.accepted)}`,
      `delivered against Postfix: ${ratio(ours.delivered, other.delivered)}`,
      `accepted against smtp-source into smtp-sink: ${ratio(ours.accepted, top.accepted)}`,
      "",
    ].join("\n"),
  );
}

interface Spread {
  readonly least: number;
  readonly median: number;
  readonly most: number;
}

interface Row {
  readonly name: string;
  readonly accepted: Spread;
  readonly delivered: Spread;
}

function spread(figures: readonly Figures[], name: keyof Figures): Spread {
  const sorted = figures.map((one) => one[name]).sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return { least: at(0), median: at(Math.floor(sorted.length / 2)), most: at(sorted.length - 1) };
}

function show({ least, median, most }: Spread): string {
  return `${Math.round(median)} (${Math.round(least)} to ${Math.round(most)})`;
}

function ratio(a: Spread, b: Spread): string {
  return `${(a.median / b.median).toFixed(2)} times`;
}

function text({ accepted, delivered }: Figures): string {
  return `${Math.round(accepted)} accepted, ${Math.round(delivered)} delivered`;
}
