/** Traces of a running engine over its admin API: what comes in, what goes out, and what was sampled. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createTransport } from "nodemailer";

import type { Explanations } from "#contract/rules-api.ts";
import { TraceItem, type TraceLine } from "#contract/trace-api.ts";
import { queuedIn } from "../../testing/engine-mail.ts";
import { type Engine, startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { until } from "../../testing/until.ts";

describe("traces of sessions", () => {
  let sink: MailSink;
  let engine: Engine;
  before(async () => {
    sink = await MailSink.start();
    sink.answerRcpt = (address) =>
      address.startsWith("later") ? { code: 451, text: "4.7.1 not now" } : "accept";
    engine = await startEngine({ server: `127.0.0.1:${sink.port}`, app: { traces: { ratio: 1 } } });
  });
  after(async () => {
    await engine.stop();
    await sink.stop();
  });

  async function send(to: string): Promise<void> {
    const client = createTransport({ host: "127.0.0.1", port: engine.smtpPort, ignoreTLS: true });
    await client.sendMail({ from: "boss@corp.test", to, subject: "hi", text: "a secret word" });
    client.close();
  }

  /** Reads until `isEnough`, then hangs up. */
  async function follow(
    query: string,
    act: () => Promise<void>,
    isEnough: (lines: TraceLine[]) => boolean,
  ): Promise<TraceLine[]> {
    const stop = new AbortController();
    const response = await fetch(`${engine.adminUrl}/v1/trace?${query}`, {
      headers: { authorization: `Bearer ${engine.token}` },
      signal: stop.signal,
    });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "application/x-ndjson");
    const lines: TraceLine[] = [];
    const acted = act();
    let rest = "";
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      const parts = (rest + Buffer.from(chunk).toString()).split("\n");
      rest = parts.pop() ?? "";
      for (const part of parts) {
        const item = TraceItem.parse(JSON.parse(part));
        if (item.kind !== "end" && item.kind !== "alive") lines.push(item);
      }
      if (isEnough(lines)) break;
    }
    await acted;
    stop.abort();
    return lines;
  }

  const closed =
    (direction: string) =>
    (lines: TraceLine[]): boolean =>
      lines.some((line) => line.direction === direction && line.kind === "close");

  test("one that comes in shows as a dialogue without its content", async () => {
    const lines = await follow(
      "direction=in&remoteIp=127.0.0.0/8&listener=smtp",
      () => send("a@now.test"),
      closed("in"),
    );
    const said = lines.map(({ kind, text }) => `${kind} ${text.split("\n")[0]}`);
    assert.match(said[1] ?? "", /^server 220 /);
    for (const expected of [
      /^client EHLO/,
      /^client MAIL FROM:<boss@corp.test>/,
      /^client RCPT TO:<a@now.test>/,
      /^client DATA/,
      /^server 354/,
      /^server 250 2.0.0 Ok: queued as/,
    ]) {
      assert.ok(
        said.some((line) => expected.test(line)),
        `${expected} of ${said.join(" | ")}`,
      );
    }
    assert.ok((lines.find(({ kind }) => kind === "content")?.bytes ?? 0) > 100);
    assert.ok(!JSON.stringify(lines).includes("secret word"));
  });

  test("a delivery is chosen by its recipient and names its message", async () => {
    const isDone = (lines: TraceLine[]): boolean =>
      lines.some(
        ({ kind, text }) =>
          kind === "server" &&
          /^250 .*(queued|ok)/i.test(text) &&
          lines.some((line) => line.kind === "content"),
      );
    const lines = await follow(
      "direction=out&recipient=bob@now.test&contentLines=20",
      async () => {
        await send("ann@now.test");
        await send("bob@now.test");
      },
      isDone,
    );
    const text = JSON.stringify(lines);
    assert.ok(text.includes("RCPT TO:<bob@now.test>") && !text.includes("ann@now.test"));
    assert.match(lines.find(({ kind }) => kind === "client")?.text ?? "", /^EHLO/);
    assert.match(lines.find(({ kind }) => kind === "content")?.text ?? "", /Subject: hi/);
    assert.equal(new Set(lines.map(({ messageId }) => messageId)).size, 2);
  });

  test("what a queued message said and heard is kept where it was sampled", async () => {
    await send("later@x.test");
    const entry = await until(
      async () => (await queuedIn(engine))[0],
      (first) => first?.status === "deferred",
    );
    const path = `/v1/queue/${entry?.messageId}/explain`;
    const { traces } = (await engine.admin("GET", path)).json as Explanations;
    assert.deepEqual(
      traces.map(({ direction }) => direction),
      ["in", "out"],
    );
    assert.ok(traces[1]?.lines.some(({ text }) => text.startsWith("451 4.7.1 not now")));
    const kept = (await engine.admin("GET", `/v1/messages/${entry?.messageId}/traces`)).json;
    assert.deepEqual(kept, { traces });
  });

  test("a query that is none is refused, and so is who has no token", async () => {
    assert.equal((await engine.admin("GET", "/v1/trace?remoteIp=x")).status, 400);
    assert.equal((await engine.admin("GET", "/v1/trace?subject=x")).status, 400);
    assert.equal((await fetch(`${engine.adminUrl}/v1/trace`)).status, 401);
  });
});
