/**
 * Delivery by a plugin against delivery by SMTP through the whole engine: the processor time that one process uses for a
 * message, taken and delivered, each kind in turns on an engine of its own. Processor time, for it hardly changes with what
 * else the machine does.
 *
 *   node mta-image/bench/plugin-delivery.bench.ts [messages] [rounds]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { useOf } from "../../e2e/bench/cost.ts";
import { CountingSink } from "../../e2e/bench/sink.ts";
import { sendWithSmtpSource } from "../../e2e/peers/smtp-source.ts";
import { ChildEngine } from "../testing/child-engine.ts";
import { buildNative, testPlugin } from "../testing/native-plugins.ts";

const [messages = 5000, rounds = 3] = process.argv.slice(2, 4).map(Number);
const WARM = 1000;
type Transport = Readonly<Record<string, unknown>>;
const kinds: Readonly<Record<string, Transport>> = {
  smtp: {},
  plugin: { plugin: { id: "deliver", arguments: { how: "now" } } },
};

buildNative();
const folder = mkdtempSync(join(tmpdir(), "plugin-delivery-"));
const sink = await CountingSink.start();
const found = new Map<string, number[]>(Object.keys(kinds).map((kind) => [kind, []]));
try {
  for (let round = 0; round < rounds; round++) {
    for (const [kind, transport] of Object.entries(kinds)) {
      found.get(kind)?.push(await microseconds(transport, join(folder, `${kind}${round}`)));
    }
  }
  for (const [kind, values] of found)
    say(`${kind}: ${Math.round(median(values))} us a message (${values.map(Math.round).join(", ")})`);
  const of = (kind: string): number => median(found.get(kind) ?? []);
  say(`whole way, plugin against SMTP: ${Math.round((of("smtp") / of("plugin")) * 100)} % of the rate`);
  say(`load average ${loadavg()[0]?.toFixed(1)}`);
} finally {
  sink.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function microseconds(transport: Transport, home: string): Promise<number> {
  const engine = await ChildEngine.start({
    folder: home,
    server: `127.0.0.1:${sink.port}`,
    group: { transports: [{ id: "default", ...transport }] },
    startup: { plugins: [{ id: "deliver", path: testPlugin("deliver") }] },
  });
  try {
    await pass(engine, WARM);
    const before = await useOf(engine.pid);
    await pass(engine, messages);
    const after = await useOf(engine.pid);
    if (before === null || after === null) throw new Error("the engine is gone");
    return ((after.cpuSeconds - before.cpuSeconds) / messages) * 1e6;
  } finally {
    await engine.end("SIGKILL");
  }
}

async function pass({ ports }: ChildEngine, count: number): Promise<void> {
  await sendWithSmtpSource({
    address: "127.0.0.1",
    port: ports.smtp,
    messages: count,
    connections: 20,
    sizeBytes: 4096,
    sender: "sender@example.org",
    recipient: "user@example.net",
    numbered: true,
  });
  while ((await queued(ports.monitor)) > 0) await wait(500);
}

async function queued(monitor: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${monitor}/metrics`)).text();
  return [...text.matchAll(/^mta_queue_recipients\{[^}]*\} (\d+)$/gm)].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
