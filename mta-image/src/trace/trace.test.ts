import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";
import { TraceItem, TraceQuery, type TraceWish } from "#contract/trace-api.ts";

import type { TraceAbout } from "./filter.ts";
import { maskedCommand, maskedReply, printable } from "./masking.ts";
import { Traced } from "./traced.ts";
import { Tracer } from "./tracer.ts";
import type { Watch } from "./watch.ts";

const inbound: TraceAbout = {
  id: "S1",
  direction: "in",
  remoteIp: "192.0.2.7",
  remotePort: 4711,
  listener: "mx",
  transportId: "",
  host: "",
};

/** A reader that keeps what it is given, and may claim not to have read it. */
class Reader {
  pendingBytes = 0;
  isEnded = false;
  isDestroyed = false;
  items: TraceItem[] = [];
  write(text: string): void {
    this.items.push(TraceItem.parse(JSON.parse(text)));
  }
  end(): void {
    this.isEnded = true;
  }
  destroy(): void {
    this.isDestroyed = true;
  }
  get said(): string[] {
    return this.items.map((item) => ("text" in item ? `${item.kind} ${item.text}`.trim() : item.kind));
  }
  get last(): TraceItem | undefined {
    return this.items.at(-1);
  }
}

interface Rig {
  readonly clock: ManualClock;
  readonly tracer: Tracer;
  watch(wish?: TraceWish): { reader: Reader; watch: Watch };
  session(about?: Partial<TraceAbout>): Traced;
}

function rig(random = (): number => 0.5): Rig {
  const clock = new ManualClock();
  const tracer = new Tracer({ clock, random });
  return {
    clock,
    tracer,
    watch(wish = {}) {
      const reader = new Reader();
      const watch = tracer.watch(TraceQuery.parse(wish), reader);
      assert.ok(watch !== null);
      return { reader, watch };
    },
    session: (about = {}) => new Traced(tracer, { ...inbound, ...about }),
  };
}

function talk(traced: Traced, from: string, to: string): void {
  traced.now?.client(`MAIL FROM:<${from}> SIZE=3`);
  traced.now?.server("250 2.1.0 Sender ok\r\n");
  traced.now?.client(`RCPT TO:<${to}>`);
  traced.now?.server("250 2.1.5 Recipient ok\r\n");
}

describe("masking", () => {
  test("secrets of AUTH and lines that are no command never show", () => {
    assert.equal(maskedCommand("AUTH PLAIN AGFubgBzZWNyZXQ="), "AUTH PLAIN ***");
    assert.equal(maskedCommand("auth login"), "auth login");
    assert.equal(maskedCommand("AUTH\tPLAIN AGFubg=="), "AUTH ***");
    assert.equal(maskedCommand("AUTHPLAIN"), "AUTH ***");
    assert.equal(maskedCommand("AUTH AGFubgBzZWNyZXQ="), "AUTH ***");
    assert.equal(maskedCommand("AGFubgBzZWNyZXQ="), "(16 bytes that are no command)");
    assert.equal(maskedCommand("mailAGFubgBzZWNyZXQ="), "(20 bytes that are no command)");
    assert.equal(maskedReply("334 cj1hYmMscz1zYWx0LGk9NDA5Ng=="), "334 ***");
  });

  test("control bytes are shown as text, so no terminal obeys them", () => {
    assert.equal(printable("250 \x1b[2J\x07ok\x9b"), String.raw`250 \x1b[2J\x07ok\x9b`);
    assert.equal(maskedReply("250-a\r\n250 b"), "250-a\n250 b");
  });
});

describe("live traces", () => {
  test("nothing is recorded while nobody looks", () => {
    const { session } = rig();
    assert.equal(session().now, null);
  });

  test("a reader sees what both sides say, from a session that was open before it came", () => {
    const { session, watch } = rig();
    const before = session({ id: "S0" });
    const { reader } = watch();
    assert.deepEqual(reader.said, []);
    before.now?.client("EHLO a.test");
    const traced = session();
    traced.now?.server("220 mx ESMTP\r\n");
    traced.now?.tls("TLSv1.3 X");
    traced.close("by us");
    const of = (id: string): string[] =>
      reader.said.filter(
        (_, i) =>
          "session" in (reader.items[i] as object) && (reader.items[i] as { session: string }).session === id,
      );
    assert.deepEqual(of("S0"), ["open", "client EHLO a.test"]);
    assert.deepEqual(of("S1"), ["open", "server 220 mx ESMTP", "tls TLSv1.3 X", "close by us"]);
  });

  test("direction, network and listener choose sessions", () => {
    const { session, watch } = rig();
    const readers = [
      watch({ direction: "out" }),
      watch({ remoteIp: "192.0.2.0/28" }),
      watch({ remoteIp: "198.51.100.1" }),
      watch({ listener: "mx" }),
      watch({ listener: "submission" }),
    ].map(({ reader }) => reader);
    session();
    assert.deepEqual(
      readers.map(({ items }) => items.length),
      [0, 1, 0, 1, 0],
    );
  });

  test("by a recipient only that transaction is shown, with the opening before it", () => {
    const { session, watch } = rig();
    const { reader } = watch({ recipient: "BOB@" });
    const { reader: byDomain } = watch({ domain: "corp.test", sender: "boss" });
    const traced = session();
    traced.now?.client("EHLO a.test");
    talk(traced, "boss@corp.test", "ann@b.test");
    assert.deepEqual(reader.said, []);
    talk(traced, "x@y.test", "bob@b.test");
    talk(traced, "x@y.test", "cat@b.test");
    traced.close("by the client");
    assert.deepEqual(reader.said, [
      "open",
      "client EHLO a.test",
      "client MAIL FROM:<x@y.test> SIZE=3",
      "server 250 2.1.0 Sender ok",
      "client RCPT TO:<bob@b.test>",
      "server 250 2.1.5 Recipient ok",
      "close by the client",
    ]);
    assert.equal(
      byDomain.said.filter((line) => line.startsWith("client MAIL")).join(),
      "client MAIL FROM:<boss@corp.test> SIZE=3",
    );
  });

  test("content is a count, and first lines only for who asked", () => {
    const { session, watch } = rig();
    const { reader } = watch();
    const { reader: curious } = watch({ contentLines: 2 });
    const traced = session();
    talk(traced, "a@b.test", "c@d.test");
    traced.now?.content(Buffer.from("Subject: x\r\n\r\nse"));
    traced.now?.content(Buffer.from("cret\r\n"));
    traced.now?.server("250 2.0.0 Ok: queued as 01ABCDEFGHJKMNPQRSTVWXYZ01\r\n");
    const contents = [reader, curious].map(({ items }) => items.find(({ kind }) => kind === "content"));
    assert.deepEqual(
      contents.map((item) => item !== undefined && "text" in item && [item.text, item.bytes]),
      [
        ["", 22],
        ["Subject: x\n", 22],
      ],
    );
    assert.ok(!JSON.stringify(reader.items).includes("secret"));
  });

  test("a delivery's lines stay with their transaction, however they are pipelined", () => {
    const { session, watch } = rig();
    const { reader } = watch({ recipient: "bob" });
    const traced = session({ direction: "out" });
    const trace = traced.now;
    assert.ok(trace !== null);
    const [first, second] = [trace.startPart("M1"), trace.startPart("M2")];
    trace.client("MAIL FROM:<a@b>\r\nRCPT TO:<bob@c>\r\nDATA\r\n", first);
    trace.client("MAIL FROM:<a@b>\r\nRCPT TO:<cat@c>\r\nDATA\r\n", second);
    trace.server("250 first", first);
    trace.server("250 second", second);
    assert.ok(reader.said.includes("server 250 first") && !reader.said.includes("server 250 second"));
    assert.equal((reader.last as { messageId?: string }).messageId, "M1");
  });
});

describe("bounds of a trace", () => {
  test("sessions, bytes and seconds end it with the reason", () => {
    const { session, watch, clock } = rig();
    const bySessions = watch({ sessions: 2 });
    const byBytes = watch({ bytes: 300 });
    const bySeconds = watch({ seconds: 25 });
    for (const id of ["A", "B", "C"]) session({ id });
    clock.advance(60_000);
    assert.deepEqual(
      [bySessions, byBytes, bySeconds].map(({ reader }) => [
        reader.isEnded,
        (reader.last as { reason?: string }).reason,
      ]),
      [
        [true, "sessions"],
        [true, "bytes"],
        [true, "seconds"],
      ],
    );
    assert.equal(bySeconds.reader.said.filter((kind) => kind === "alive").length, 2);
    assert.equal(session().now, null);
  });

  test("a reader that does not read is let go and its connection ends", () => {
    const { session, watch, clock } = rig();
    const { reader } = watch();
    const traced = session();
    reader.pendingBytes = 2_000_000;
    traced.now?.client("NOOP");
    assert.deepEqual([reader.isEnded, (reader.last as { reason?: string }).reason], [true, "slow"]);
    assert.equal(traced.now, null);
    clock.advance(10_000);
    assert.equal(reader.isDestroyed, true);
  });

  test("only so many read at once and only so many sessions are recorded", () => {
    const { session, watch, tracer } = rig();
    const { reader, watch: first } = watch({ sessions: 1000 });
    const sessions = Array.from({ length: 501 }, (_, i) => session({ id: `S${i}` }));
    assert.equal(sessions.filter(({ now }) => now !== null).length, 500);
    assert.equal(first.missed, 1);
    for (let i = 0; i < 7; i++) watch({ remoteIp: "203.0.113.9" });
    assert.equal(tracer.watch(TraceQuery.parse({}), new Reader()), null);
    first.stop("shutdown");
    assert.deepEqual(reader.last, { kind: "end", reason: "shutdown", missed: 1 });
    assert.ok(tracer.watch(TraceQuery.parse({ remoteIp: "203.0.113.9" }), new Reader()) !== null);
  });

  test("a session without end keeps only its beginning", () => {
    const { tracer, session } = rig(() => 0);
    tracer.configure({ ratio: 1, keep: 5 });
    const traced = session();
    talk(traced, "a@b", "c@d");
    for (let i = 0; i < 1000; i++) traced.now?.client(`NOOP ${"x".repeat(100)}`);
    traced.now?.server("250 2.0.0 Ok: queued as 01ABCDEFGHJKMNPQRSTVWXYZ01\r\n");
    const [sample] = tracer.samplesOf("01ABCDEFGHJKMNPQRSTVWXYZ01");
    assert.ok((sample?.lines.length ?? 0) <= 201 && (sample?.omitted ?? 0) > 700);
  });
});

describe("samples", () => {
  test("are kept by message, the latest of them, and by chance", () => {
    let chance = 0;
    const { tracer, session } = rig(() => chance);
    tracer.configure({ ratio: 0.5, keep: 2 });
    for (const id of ["M1", "M2", "M3"]) {
      const trace = session({ id, direction: "out" }).now;
      const part = trace?.startPart(id);
      trace?.client("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>", part);
    }
    chance = 0.5;
    assert.equal(session().now, null);
    assert.deepEqual(
      ["M1", "M2", "M3"].map((id) => tracer.samplesOf(id).length),
      [0, 1, 1],
    );
    assert.deepEqual(
      tracer.samplesOf("M3")[0]?.lines.map(({ kind }) => kind),
      ["open", "client", "client"],
    );
    tracer.configure({ ratio: 0, keep: 2 });
    assert.equal(tracer.samplesOf("M3").length, 0);
  });
});
