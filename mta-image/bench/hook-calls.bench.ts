/**
 * What hooks cost by themselves: processor time of this process for a message that passes a hook whose script only accepts, without sockets, disk
 * and queue, everything warm. What hooks.bench.ts measures of the whole way is the same with all of an engine's other work
 * between two calls, and with the noise of it; this shows what of a difference there can be the hook. Kinds in turns, a kind without a
 * hook beside them; the least of all rounds, since other work on the machine only adds, and the median; and what a message allocates.
 *
 *   node mta-image/bench/hook-calls.bench.ts [rounds]
 */
import { loadavg } from "node:os";
import { getHeapStatistics } from "node:v8";

import { Registry } from "prom-client";

import { systemClock } from "#base/clock.ts";

import { ScriptSeconds } from "#mta/admin/script-seconds.ts";
import { ConnectionHooks } from "#mta/hooks/connection-hooks.ts";
import { makeHookFigures } from "#mta/hooks/figures.ts";
import { QueueHooks } from "#mta/hooks/queue-hooks.ts";
import { HookRunner } from "#mta/hooks/runner.ts";
import type { SessionHook } from "#mta/hooks/stages.ts";
import type { Envelope } from "#mta/message/envelope.ts";
import { MemorySource } from "#mta/script/mail/pieces.ts";
import { NO_MAIL, NO_RCPT } from "#mta/smtp/parameters.ts";

import { recipientFacts, wentWell } from "../testing/delivery-facts.ts";
import { hooksOf, queueScriptsOf } from "../testing/hook-scripts.ts";
import { makeLogLines } from "../testing/log-lines.ts";

const rounds = Number(process.argv[2] ?? 25);
const MESSAGES = 5000;
const PER_SESSION = 10;
/** Of the rounds: V8 compiles in them. */
const WARM = 5;

const [sender, recipient] = ["news@example.org", "ann@example.net"];
const content = new MemorySource(Buffer.alloc(4096, "x"));
const envelope: Envelope = {
  sender,
  recipients: [recipient],
  transportId: "default",
  smtpUtf8: false,
  eightBit: false,
};
const queueing = `foreach ($transaction["recipients"] as $r)
  $arguments["mail"]->queue($transaction["senderaddress"], $r["address"], $r["transportid"]); Accept();`;
const runner = new HookRunner({
  clock: systemClock,
  random: () => 0.5,
  log: makeLogLines().log,
  figures: observed(),
  hostname: () => "mx.example.org",
  hasTransport: () => true,
});

const kinds: Readonly<Record<string, () => Promise<void>>> = {
  "no hook of a message": ofSession({ disconnect: "" }),
  mailfrom: ofSession({ mailfrom: "Accept();" }),
  rcptto: ofSession({ rcptto: "Accept();" }),
  eod: ofSession({ eod: queueing }),
  "eod without action": ofSession({ eod: "Done();" }),
  "no hook around deliveries": ofDelivery({}),
  predelivery: ofDelivery({ predelivery: "Try();" }),
  postdelivery: ofDelivery({ postdelivery: "Default();" }),
};
const found = new Map<string, number[]>(Object.keys(kinds).map((name) => [name, []]));
/** Of the last round: noise does not touch it. */
const allocated = new Map<string, number>();
for (let round = 0; round < WARM + rounds; round++) {
  for (const [name, pass] of Object.entries(kinds)) {
    const [before, bytes] = [process.cpuUsage(), allocatedBytes()];
    await pass();
    allocated.set(name, (allocatedBytes() - bytes) / MESSAGES);
    const { user, system } = process.cpuUsage(before);
    if (round >= WARM) found.get(name)?.push((user + system) / MESSAGES);
  }
}
for (const [name, micros] of found) {
  const sorted = micros.toSorted((a, b) => a - b);
  const [least = Number.NaN, median = Number.NaN] = [sorted[0], sorted[sorted.length >> 1]];
  const bytes = allocated.get(name)?.toFixed(0);
  process.stdout.write(
    `${name}: ${least.toFixed(2)} µs a message (median ${median.toFixed(2)}), ${bytes} bytes\n`,
  );
}
process.stdout.write(`${rounds} rounds of ${MESSAGES} messages, load average ${loadavg()[0]?.toFixed(1)}\n`);

/** Since the process began, on the heap of V8; newer than its types. */
function allocatedBytes(): number {
  return (getHeapStatistics() as unknown as { readonly total_allocated_bytes: number }).total_allocated_bytes;
}

/** With a histogram as in an engine: it is part of what a run costs. */
function observed(): ReturnType<typeof makeHookFigures> {
  const figures = makeHookFigures();
  const seconds = new ScriptSeconds(new Registry());
  figures.observe = (hook, took) => seconds.observe(hook, took);
  return figures;
}

function ofSession(scripts: Partial<Record<SessionHook, string>>): () => Promise<void> {
  const server = hooksOf(scripts);
  const facts = { id: "s", serverId: "in", remoteIp: "127.0.0.1", remotePort: 1, localIp: "127.0.0.1" };
  return async () => {
    for (let sent = 0; sent < MESSAGES; sent += PER_SESSION) {
      const hooks = new ConnectionHooks(server, runner, {
        ...facts,
        localPort: 25,
        remoteUid: null,
        proxyIp: null,
        proxyTlv: null,
      });
      void hooks.hello({ verb: "EHLO", host: "client.example.org", extensions: [] });
      for (let message = 0; message < PER_SESSION; message++) await oneMessage(hooks);
    }
  };
}

async function oneMessage(hooks: ConnectionHooks): Promise<void> {
  const transportId = "default";
  await hooks.mailFrom(sender, NO_MAIL);
  const rcpt = { address: recipient, domain: "example.net", parameters: NO_RCPT, transportId, isRelay: true };
  await hooks.rcptTo(rcpt);
  hooks.tookRecipient(recipient, NO_RCPT, transportId);
  if (hooks.has("eod")) await hooks.endOfData(content, envelope);
  else hooks.marked(envelope);
}

function ofDelivery(texts: {
  readonly predelivery?: string;
  readonly postdelivery?: string;
}): () => Promise<void> {
  const scripts = queueScriptsOf(texts);
  const hooks = new QueueHooks(() => scripts, runner);
  const facts = recipientFacts(content, content.size);
  return async () => {
    for (let tried = 0; tried < MESSAGES; tried++) {
      const { context } = await hooks.before(facts);
      await hooks.after(facts, wentWell, context);
    }
  };
}
