/** Mail over HTTP into a whole engine: keys, parts, limits, the script at the end of data, the answer. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";

import fc from "fast-check";

import { type Engine, startEngine } from "../../testing/harness.ts";
import { MailSink, type Received } from "../../testing/mail-sink.ts";
import { until } from "../../testing/until.ts";

const KEY = "correct-horse-battery";
const SCRIPT = `
$asked = $arguments["metadata"];
if (isset($asked["refuse"])) Reject($asked["refuse"]);
if (isset($asked["to"])) { $arguments["mail"]->queue(["localpart" => "", "domain" => ""], ["localpart" => $asked["to"], "domain" => "example.net"], "default"); Accept(); }
`;
const OPTIONS = {
  sender: { localpart: "news", domain: "example.org" },
  recipients: [{ localpart: "ann", domain: "example.net" }],
};
const at = (localpart: string): { localpart: string; domain: string } => ({
  localpart,
  domain: "example.net",
});

describe("a server of type http", () => {
  const folder = mkdtempSync(join(tmpdir(), "submission-"));
  let sink: MailSink;
  let engine: Engine;
  let url: string;

  before(async () => {
    sink = await MailSink.start();
    const apikeyfile = join(folder, "keys");
    writeFileSync(apikeyfile, `# keys of the shop\n${KEY}\n`);
    const loopback = { port: 0, address: "127.0.0.1" };
    const app = {
      transport: "default",
      http: { apikeyfile },
      phases: { data: { maxsize: 20_000 }, rcptto: { maxrecipients: 3 } },
    };
    engine = await startEngine({
      server: `127.0.0.1:${sink.port}`,
      startup: {
        servers: [
          { id: "smtp", listeners: [loopback] },
          { id: "web", type: "http", listeners: [loopback] },
          { id: "scripted", type: "http", listeners: [loopback] },
        ],
      },
      app: {
        servers: [
          { id: "smtp", transport: "default" },
          { id: "web", ...app },
          { id: "scripted", ...app, phases: { eod: { hook: "judge" } } },
        ],
        scripting: { hooks: { eod: [{ id: "judge", data: SCRIPT }] } },
      },
    });
    url = `http://127.0.0.1:${engine.mta.ports.get("web")}/v1/submission`;
  });
  after(async () => {
    await engine.stop();
    await sink.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const textOf = (mail: Received): string => mail.content.toString("latin1");
  const arrived = (isIt: (mail: Received) => boolean): Promise<Received | undefined> =>
    until(
      () => sink.received.find(isIt),
      (found) => found !== undefined,
    );

  async function post(
    parts: readonly (readonly [name: string, content: string | Buffer])[],
    to: { readonly url?: string; readonly key?: string | null } = {},
  ): Promise<{ status: number; json: Record<string, unknown> }> {
    const form = new FormData();
    for (const [name, content] of parts) form.append(name, new Blob([content as string]), name);
    const headers = to.key === null ? {} : { "x-api-key": to.key ?? KEY };
    const response = await fetch(to.url ?? url, { method: "POST", headers, body: form });
    return { status: response.status, json: (await response.json()) as Record<string, unknown> };
  }

  test("takes mail, says its id, and delivers it with proper line ends", async () => {
    const { status, json } = await post([
      ["options", JSON.stringify({ ...OPTIONS, metadata: { order: 7 } })],
      ["rfc822", "Subject: over HTTP\n\nhello\n.\nworld\n"],
    ]);
    assert.equal(status, 200);
    assert.deepEqual(json["result"], { code: 250, enhanced: [2, 0, 0], reason: ["Ok"] });
    assert.deepEqual(json["metadata"], { order: 7 });
    assert.match((json["transaction"] as { id: string }).id, /^[0-9A-Z]{26}$/);
    const mail = await arrived((one) => textOf(one).includes("over HTTP"));
    assert.ok(mail !== undefined);
    assert.match(textOf(mail), /\r\n\r\nhello\r\n\.\r\nworld\r\n$/);
    assert.match(textOf(mail), /Received: .* with LOCAL/s);
  });

  test("puts mail off whose end comes when the engine takes none any more: it may have been seen empty", async () => {
    const part = (name: string, content: string): string =>
      `--b\r\nContent-Disposition: form-data; name="${name}"; filename="${name}"\r\n\r\n${content}`;
    const { administration } = engine.mta;
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(
        `${part("options", JSON.stringify(OPTIONS))}\r\n${part("rfc822", "Subject: too late\r\n\r\n")}`,
      );
      // Bytes of the message are being read by then.
      await new Promise((resolve) => setTimeout(resolve, 100));
      await administration.drain({ mode: "Cordon", peers: [] });
      yield Buffer.from("x\r\n\r\n--b--\r\n");
    }
    const response = await fetch(url, {
      method: "POST",
      headers: { "x-api-key": KEY, "content-type": "multipart/form-data; boundary=b" },
      body: ReadableStream.from(body()),
      duplex: "half",
    });
    const { result } = (await response.json()) as { result: { code: number } };
    assert.deepEqual([response.status, result.code], [503, 421]);
    assert.equal(administration.status().queue.total, 0);
    await administration.drain({ mode: "Serve", peers: [] });
  });

  test("takes addresses beyond ASCII, and none of their letters becomes another", async () => {
    const recipients = [
      { localpart: "bjørn", domain: "example.net" },
      { localpart: "ann", domain: "bšnk.example" },
    ];
    const { status } = await post([
      ["options", JSON.stringify({ sender: { localpart: "jörg", domain: "example.org" }, recipients })],
      ["rfc822", "Subject: beyond ASCII\r\n\r\nx\r\n"],
    ]);
    assert.equal(status, 200);
    const all = (): Received[] => sink.received.filter((mail) => textOf(mail).includes("beyond ASCII"));
    await until(all, (mails) => mails.flatMap((mail) => mail.recipients).length === 2);
    assert.deepEqual(
      [...new Set(all().map(({ sender }) => sender)), ...all().flatMap((mail) => mail.recipients)].sort(),
      ["ann@bšnk.example", "bjørn@example.net", "jörg@example.org"],
    );
  });

  test("takes parts that are packed", async () => {
    const { status } = await post([
      ["options.gzip", gzipSync(JSON.stringify(OPTIONS))],
      ["rfc822.gzip", gzipSync("Subject: packed\r\n\r\nx\r\n")],
    ]);
    assert.equal(status, 200);
    await arrived((mail) => textOf(mail).includes("packed"));
  });

  test("takes as many recipients as the server takes of one message", async () => {
    const recipients = ["a", "b", "c"].map(at);
    const { status } = await post([
      ["options", JSON.stringify({ ...OPTIONS, recipients })],
      ["rfc822", "Subject: to three\r\n\r\nx\r\n"],
    ]);
    assert.equal(status, 200);
    await until(
      () => sink.received.filter((mail) => textOf(mail).includes("to three")),
      (mails) => mails.flatMap((mail) => mail.recipients).length === 3,
    );
  });

  test("lets the script at the end of data say who it is for, and refuse", async () => {
    const scripted = `http://127.0.0.1:${engine.mta.ports.get("scripted")}/v1/submission`;
    const send = (metadata: unknown) =>
      post(
        [
          ["options", JSON.stringify({ metadata })],
          ["rfc822", "Subject: by script\r\n\r\nx\r\n"],
        ],
        {
          url: `${scripted}?pretty=true`,
        },
      );
    assert.equal((await send({ to: "carl" })).status, 200);
    await arrived(({ recipients }) => recipients.includes("carl@example.net"));
    const refused = await send({ refuse: "not today" });
    assert.equal(refused.status, 422);
    assert.match(JSON.stringify(refused.json["result"]), /"code":550.*not today/);
  });

  for (const [what, key] of [
    ["no key", null],
    ["a wrong key", "Correct-horse-battery"],
    ["a comment of the file", "# keys of the shop"],
  ] as const) {
    test(`answers 401 to ${what}`, async () => {
      const { status, json } = await post([["options", "{}"]], { key });
      assert.equal(status, 401);
      assert.match(String(json["message"]), /X-API-Key/);
    });
  }

  for (const { what, parts, status, says } of [
    {
      what: "no message",
      parts: [["options", JSON.stringify(OPTIONS)]],
      status: 400,
      says: /part .*rfc822.* is missing/,
    },
    { what: "the message first", parts: [["rfc822", "x"]], status: 400, says: /must come before/ },
    { what: "an unknown part", parts: [["files", "x"]], status: 400, says: /no part .*files/ },
    { what: "options that are no JSON", parts: [["options", "{"]], status: 400, says: /no JSON/ },
    { what: "an unknown option", parts: [["options", '{"from":1}']], status: 400, says: /from/ },
    { what: "a packed part that is not", parts: [["options.gzip", "plain"]], status: 400, says: /unpacked/ },
    {
      what: "options beyond 1 MiB",
      parts: [["options.gzip", gzipSync("x".repeat(3_000_000))]],
      status: 413,
      says: /1 MiB/,
    },
    {
      what: "an address that is none",
      parts: [
        ["options", JSON.stringify({ ...OPTIONS, recipients: [{ localpart: "a b", domain: "x>\r\nDATA" }] })],
        ["rfc822", "x"],
      ],
      status: 422,
      says: /"code":553/,
    },
    {
      what: "nobody to send it to",
      parts: [
        ["options", JSON.stringify({ ...OPTIONS, recipients: [] })],
        ["rfc822", "x"],
      ],
      status: 422,
      says: /"code":554/,
    },
    {
      what: "more recipients than the server takes of one message",
      parts: [
        ["options", JSON.stringify({ ...OPTIONS, recipients: ["a", "b", "c", "d"].map(at) })],
        ["rfc822", "x"],
      ],
      status: 422,
      says: /"code":554,"enhanced":\[5,5,3\],"reason":\["[^"]* 3 .*phases\.rcptto\.maxrecipients/,
    },
    {
      what: "a message that is too large once it is unpacked",
      parts: [
        ["options", JSON.stringify(OPTIONS)],
        ["rfc822.gzip", gzipSync("x".repeat(1_000_000))],
      ],
      status: 422,
      says: /"code":552/,
    },
  ] as const) {
    test(`refuses ${what} with a sentence`, async () => {
      const answer = await post(parts);
      assert.equal(answer.status, status, JSON.stringify(answer.json));
      assert.match(JSON.stringify(answer.json), says);
    });
  }

  test("any body is refused with a sentence or taken as a whole, and the next one is served", async () => {
    const send = async (body: Uint8Array): Promise<number> => {
      const headers = { "x-api-key": KEY, "content-type": "multipart/form-data; boundary=b" };
      const response = await fetch(url, { method: "POST", headers, body: Buffer.from(body) });
      assert.equal(typeof (await response.json()), "object");
      return response.status;
    };
    const part = (name: string, text: string): string =>
      `--b\r\nContent-Disposition: form-data; name="${name}"; filename="f"\r\n\r\n${text}\r\n`;
    const whole = Buffer.from(
      `${part("options", JSON.stringify(OPTIONS))}${part("rfc822", "Subject: cut\r\n\r\nx")}--b--\r\n`,
    );
    for (let at = 0; at < whole.length - 4; at++) {
      const status = await send(whole.subarray(0, at));
      assert.ok(status >= 400 && status < 500, `${status} for ${at} bytes`);
    }
    const word = fc.constantFrom(
      ...[
        "--b",
        "--",
        "\r\n",
        "\r\n\r\n",
        "Content-Disposition: form-data",
        '; name="',
        "options",
        "options.gzip",
        "rfc822",
        '"',
      ],
      ...[
        "; filename=x",
        "{}",
        JSON.stringify(OPTIONS),
        "\0",
        "é",
        "__proto__",
        "Content-Type: x/y",
        ":",
        "x".repeat(9000),
      ],
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 25 }), async (words) => {
        const status = await send(Buffer.from(words.join("")));
        assert.ok(status === 200 || (status >= 400 && status < 500), `${status}`);
      }),
      { numRuns: 200 },
    );
    assert.equal(await send(whole), 200);
  });

  test("a request that breaks off leaves nothing behind, and what is no multipart is refused", async () => {
    const port = engine.mta.ports.get("web") ?? 0;
    const socket = connect(port, "127.0.0.1");
    socket.write(
      `POST /v1/submission HTTP/1.1\r\nHost: x\r\nX-API-Key: ${KEY}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 5000\r\n\r\n--b\r\nContent-Disposition: form-data; name="options"\r\n\r\n${JSON.stringify(OPTIONS)}\r\n--b\r\nContent-Disposition: form-data; name="rfc822"; filename="m"\r\n\r\nSubject: half`,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.destroy();
    const response = await fetch(url, { method: "POST", headers: { "x-api-key": KEY }, body: "hello" });
    assert.equal(response.status, 415);
    await until(
      () => engine.mta.queue.figures().total,
      (total) => total === 0,
    );
    assert.ok(!sink.received.some((mail) => textOf(mail).includes("half")));
  });
});
