/** Spans of a running engine, as a receiver of OTLP/HTTP gets them. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createTransport } from "nodemailer";

import { systemClock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { type Engine, startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { until } from "../../testing/until.ts";
import { Exporter } from "./exporter.ts";
import type { Span } from "./otlp.ts";
import { isSampled, traceOfSession } from "./span-ids.ts";

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: { key: string; value: { stringValue?: string; intValue?: string } }[];
  readonly status: { code?: number; message?: string };
}

class Collector {
  readonly spans: OtlpSpan[] = [];
  readonly keys: (string | undefined)[] = [];
  posts = 0;
  /** Codes to answer with, one a post; then 200. */
  codes: number[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static start(): Promise<Collector> {
    return new Promise((resolve) => {
      const server = createServer((request, response) => {
        const pieces: Buffer[] = [];
        request.on("data", (piece: Buffer) => pieces.push(piece));
        request.on("end", () => {
          collector.posts++;
          collector.keys.push(request.headers["x-key"] as string | undefined);
          const code = collector.codes.shift() ?? 200;
          if (code === 200) collector.#take(Buffer.concat(pieces).toString());
          response.writeHead(code, { "content-type": "application/json" }).end("{}");
        });
      });
      const collector = new Collector(server);
      server.listen(0, "127.0.0.1", () => resolve(collector));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/traces`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #take(body: string): void {
    const { resourceSpans } = JSON.parse(body) as {
      resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[];
    };
    this.spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)));
  }
}

describe("spans of an engine", () => {
  const folder = mkdtempSync(join(tmpdir(), "telemetry-"));
  const log = join(folder, "events.log");
  let collector: Collector;
  let sink: MailSink;
  let engine: Engine;
  before(async () => {
    collector = await Collector.start();
    sink = await MailSink.start();
    sink.answerRcpt = (address) =>
      address.startsWith("no") ? { code: 550, text: "5.1.1 nobody of that name" } : "accept";
    const headersfile = join(folder, "headers");
    writeFileSync(headersfile, "X-Key: a secret\n");
    const app = {
      opentelemetry: { endpoint: collector.url, headersfile },
      events: { files: [{ path: log }] },
    };
    engine = await startEngine({ server: `127.0.0.1:${sink.port}`, app });
  });
  after(async () => {
    await engine.stop();
    await sink.stop();
    collector.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("lead from the session over the message to its attempts, and events name the message's", async () => {
    const client = createTransport({ host: "127.0.0.1", port: engine.smtpPort, ignoreTLS: true });
    await client.sendMail({ from: "a@corp.test", to: ["b@x.test", "no@y.test"], subject: "hi", text: "hi" });
    client.close();
    const find = (name: string): OtlpSpan[] => collector.spans.filter((span) => span.name === name);
    await until(
      async () => find("delivery attempt").length,
      (count) => count >= 2 && find("smtp session").length === 1,
    );
    const [session] = find("smtp session");
    const message = find("message received").find(({ parentSpanId }) => parentSpanId === session?.spanId);
    const attempts = find("delivery attempt").filter(({ parentSpanId }) => parentSpanId === message?.spanId);
    assert.equal(session?.parentSpanId, undefined);
    assert.equal(attempts.length, 2);
    for (const span of [message, ...attempts]) assert.equal(span?.traceId, session?.traceId);
    assert.deepEqual(attempts.map(({ status }) => status.code ?? 0).sort(), [0, 2]);
    assert.match(attempts.find(({ status }) => status.code === 2)?.status.message ?? "", /^550 5\.1\.1/);
    for (const span of collector.spans) {
      assert.match(`${span.traceId} ${span.spanId}`, /^[0-9a-f]{32} [0-9a-f]{16}$/);
      assert.ok(BigInt(span.startTimeUnixNano) <= BigInt(span.endTimeUnixNano));
    }
    assert.equal(collector.keys[0], "a secret");
    const parents = (): (string | undefined)[] =>
      readFileSync(log, "utf8")
        .split("\n")
        .slice(0, -1)
        .map((line) => (JSON.parse(line) as { traceparent?: string }).traceparent);
    await until(parents, (all) => all.includes(`00-${message?.traceId}-${message?.spanId}-01`));
  });
});

test("a message that another process goes on with stays in its trace, and its attempts below its span", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "telemetry-"));
  const collector = await Collector.start();
  const sink = await MailSink.start();
  let isOpen = false;
  sink.answerRcpt = () => (isOpen ? "accept" : { code: 451, text: "4.3.0 later" });
  t.after(async () => {
    await sink.stop();
    collector.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const options = {
    folder: join(folder, "engine"),
    server: `127.0.0.1:${sink.port}`,
    app: { opentelemetry: { endpoint: collector.url } },
  };
  const attempts = (): OtlpSpan[] => collector.spans.filter(({ name }) => name === "delivery attempt");
  const first = await startEngine(options);
  const client = createTransport({ host: "127.0.0.1", port: first.smtpPort, ignoreTLS: true });
  await client.sendMail({ from: "a@corp.test", to: "b@x.test", text: "hi" });
  client.close();
  await until(attempts, ({ length }) => length === 1);
  await first.stop();
  isOpen = true;
  const second = await startEngine(options);
  await second.admin("POST", "/v1/queue/change", { action: "retry", filter: {} });
  await sink.taken(1);
  await until(attempts, ({ length }) => length === 2);
  await second.stop();
  const [before, after] = attempts();
  assert.deepEqual([after?.traceId, after?.parentSpanId], [before?.traceId, before?.parentSpanId]);
  assert.notEqual(after?.spanId, before?.spanId);
});

describe("the exporter", () => {
  const span = (spanId: string): Span => ({
    traceId: "0".repeat(32),
    spanId,
    parentId: "",
    name: "x",
    kind: "internal",
    start: 1,
    end: 2,
    attributes: {},
    error: null,
  });

  test("repeats a batch once where that may help, and counts what it gives up", async (t) => {
    const collector = await Collector.start();
    t.after(() => collector.stop());
    const resource = { serviceName: "s", version: "1", instance: "i" };
    const exporter = new Exporter({
      endpoint: collector.url,
      headers: {},
      resource,
      clock: systemClock,
      log: silentLog,
    });
    const send = async (...codes: number[]): Promise<number[]> => {
      collector.codes = codes;
      collector.posts = 0;
      exporter.add(span("0000000000000001"));
      await exporter.flush();
      return [collector.posts, exporter.sent, exporter.dropped];
    };
    assert.deepEqual(await send(503), [2, 1, 0]);
    assert.deepEqual(await send(400), [1, 1, 1]);
    assert.deepEqual(await send(503, 503), [2, 1, 2]);
    for (let i = 0; i < 5000; i++) exporter.add(span("0000000000000002"));
    await exporter.flush();
    assert.deepEqual([exporter.sent, exporter.dropped], [4097, 906]);
  });

  test("a share of sessions is the same share everywhere", () => {
    const traces = Array.from({ length: 2000 }, (_, i) => traceOfSession(`session ${i}`));
    const sampled = traces.filter((trace) => isSampled(trace, 0.25));
    assert.ok(sampled.length > 400 && sampled.length < 600);
    assert.ok(sampled.every((trace) => isSampled(trace, 0.5) && isSampled(trace, 1)));
    assert.equal(
      traces.some((trace) => isSampled(trace, 0)),
      false,
    );
  });
});
