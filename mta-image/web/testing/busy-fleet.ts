/**
 * Three engines with something to show on every page: mail that waits, arrives and comes back, some of it from people who
 * mean no good; a suspension; and on the first engine addresses that warm up, a native plugin, and a Spamhaus of its own
 * where rbldnsd is installed.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createTransport } from "nodemailer";

import { type Engine, type EngineOptions, startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { buildNative, testPlugin } from "../../testing/native-plugins.ts";
import { hasRbldnsd, startRbldnsd } from "../../testing/rbldnsd.ts";

/** What nobody may ever see run. */
export const hostile = `<img src=x onerror="window.hacked=1">`;

export interface BusyFleet {
  readonly engines: readonly Engine[];
  /** Recipients that will wait in all. */
  readonly waiting: number;
  stop(): Promise<void>;
}

const KEY = "abcdefghijklmnopqrstuvwxyz";
const domains = ["later.test", "held.test", "never.test", "now0.test", "now1.test", "now2.test", "now3.test"];

export async function startBusyFleet(): Promise<BusyFleet> {
  const folder = mkdtempSync(join(tmpdir(), "busy-fleet-"));
  const sink = await MailSink.start();
  sink.answerRcpt = (address) => {
    if (address.endsWith("@later.test")) return { code: 451, text: `4.7.1 ${hostile} greylisted` };
    return address.endsWith("@never.test") ? { code: 550, text: "5.1.1 nobody here" } : "accept";
  };
  const server = `127.0.0.1:${sink.port}`;
  const lists = hasRbldnsd() ? await startRbldnsd([KEY]) : null;
  const first = await startEngine({ server, ...special(folder, lists?.server ?? null) });
  const engines = [first, await startEngine({ server }), await startEngine({ server })];
  await Promise.all(engines.map(fill));
  return {
    engines,
    waiting: engines.length * 64,
    stop: async () => {
      await Promise.all(engines.map((engine) => engine.stop()));
      await Promise.all([sink.stop(), lists?.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function special(folder: string, resolver: string | null): Partial<EngineOptions> {
  writeFileSync(join(folder, "key"), KEY);
  const schedule = [
    { day: 1, messages: 50 },
    { day: 3, messages: 200 },
    { day: 7, messages: 1000 },
  ];
  const ips = ["192.0.2.10", "192.0.2.11"].map((ip) => ({ ip, class: "new", added: yesterday() }));
  const warmup = { schedules: [{ class: "new", fields: ["recipientdomain"], schedule }], ips };
  writeFileSync(join(folder, "policy.yaml"), JSON.stringify({ warmup }));
  const suspends = [{ recipientdomain: "away.test", tag: "moving" }];
  writeFileSync(join(folder, "suspend.yaml"), JSON.stringify({ suspends }));
  buildNative();
  const values = { id: "values", path: testPlugin("values") };
  return {
    startup: {
      environment: { policyconf: join(folder, "policy.yaml"), suspendconf: join(folder, "suspend.yaml") },
      plugins: [values],
    },
    ...(resolver === null
      ? {}
      : {
          appServer: { relaynetworks: [], relaydomains: domains },
          app: { spamhaus: { keyfile: join(folder, "key"), resolvers: [resolver] } },
        }),
  };
}

function yesterday(): string {
  return new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
}

/** 60 that wait, 20 delivered, 3 refused (whose notices wait too) and one that means no good. */
async function fill({ smtpPort, admin }: Engine, n: number): Promise<void> {
  await admin("PUT", "/v1/suspensions/held", { if: { recipientdomain: "held.test" }, tag: "kept" });
  const options = { host: "127.0.0.1", port: smtpPort, ignoreTLS: true, pool: true, maxMessages: Infinity };
  const client = createTransport(options);
  const send = (to: string, subject: string, from = "news@shop.example"): Promise<unknown> =>
    client.sendMail({
      envelope: { from, to: [to] },
      from: "x@y.test",
      to: "z@y.test",
      subject,
      text: "hello",
    });
  await sendHostile(smtpPort);
  for (let i = 0; i < 60; i++) await send(`user${n}${i}@later.test`, `Offer ${i} für Sie`);
  for (let i = 0; i < 20; i++) await send(`user${i}@now${i % 4}.test`, "Invoice");
  for (let i = 0; i < 3; i++) await send(`gone${i}@never.test`, "Hello", "a@later.test");
  // The first engine looks senders up, and this one is listed; the others deliver it.
  await send("user@now0.test", "Your account", "a@phish.example").catch(() => {});
  client.close();
}

/** Addresses and subject that a mail program would not let through, so they are said by hand. */
async function sendHostile(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  const answers = createInterface({ input: socket })[Symbol.asyncIterator]();
  const say = async (line: string, code: string): Promise<void> => {
    if (line !== "") socket.write(`${line}\r\n`);
    for (;;) {
      const { value = "" } = await answers.next();
      if (/^\d{3}-/.test(value)) continue;
      if (!value.startsWith(code)) throw new Error(`${line}: ${value}`);
      return;
    }
  };
  await say("", "220");
  await say("EHLO x", "250");
  await say(`MAIL FROM:<"${hostile.replaceAll('"', "'")}"@evil.test>`, "250");
  await say(`RCPT TO:<"<script>window.hacked=2</script>"@held.test>`, "250");
  await say("DATA", "354");
  await say(`Subject: ${hostile}\r\nFrom: x@y.test\r\n\r\n.`, "250");
  socket.destroy();
}
