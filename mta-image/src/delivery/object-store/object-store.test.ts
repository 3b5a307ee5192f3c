import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createTransport } from "nodemailer";

import { type Clock, systemClock } from "#base/clock.ts";

import { FakeCourier } from "../../../testing/fake-courier.ts";
import { queuedIn, sendTo } from "../../../testing/engine-mail.ts";
import { startEngine } from "../../../testing/harness.ts";
import { makeMessage } from "../../../testing/messages.ts";
import { ObjectStore, storeKinds, whyNot } from "../../../testing/object-store.ts";
import { until } from "../../../testing/until.ts";
import type { Outcome } from "../../queue/courier.ts";
import type { Content } from "../../spool/spool.ts";
import { ObjectCourier } from "./object-courier.ts";
import { outcomeOfAnswer } from "./object-outcome.ts";
import type { ObjectStoreSettings } from "./settings.ts";

const MIB = 1024 * 1024;

function settingsFor(store: { endpoint: string; keyFile: string; secretFile: string }): ObjectStoreSettings {
  return {
    endpoint: store.endpoint,
    bucket: "mail",
    region: "us-east-1",
    prefix: "in/",
    keyFile: store.keyFile,
    secretFile: store.secretFile,
    tokenFile: null,
    caFile: null,
    partBytes: 5 * MIB,
    connectMs: 60_000,
    answerMs: 60_000,
    maxConnections: 4,
  };
}

function deliver(
  settings: ObjectStoreSettings,
  options: { to?: readonly string[]; content?: Content; clock?: Clock } = {},
): Promise<readonly Outcome[]> {
  const to = options.to ?? ["ann@example.net"];
  const content = options.content ?? { kind: "memory", bytes: Buffer.from("Subject: x\r\n\r\nhello\r\n") };
  const courier = new ObjectCourier({
    clock: options.clock ?? systemClock,
    next: new FakeCourier(),
    store: () => settings,
    read: async () => content,
  });
  const message = makeMessage({ id: "01ARZ3NDEKTSV4RRFFQ69G5FAV", recipients: to });
  const attempt = {
    destination: { key: "store x", transportId: "store", domain: "example.net" },
    message,
    recipients: to.map((_, i) => i),
  };
  return courier.deliver(attempt).finally(() => courier.close(0));
}

/** Listens for a store's refusal as long as a slow machine takes to say it. */
const patientClock: Clock = {
  ...systemClock,
  after: (delayMs, callback) => systemClock.after(delayMs * 20, callback),
};

/** Every store has to behave the same. */
function testEach(title: string, behave: (store: ObjectStore, t: TestContext) => Promise<void>): void {
  for (const kind of storeKinds)
    test(`${title} (${kind})`, { skip: whyNot(kind) }, async (t) => {
      const store = await ObjectStore.start(kind, "mail");
      t.after(() => store.stop());
      await behave(store, t);
    });
}

testEach("each recipient gets an object, and a second attempt writes the same ones", async (store) => {
  const settings = settingsFor(store);
  for (let i = 0; i < 2; i++) {
    const outcomes = await deliver(settings, { to: ["ann@example.net", "bob@example.net"] });
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ["delivered", "delivered"],
    );
    assert.match(outcomes[0]?.reply ?? "", /^HTTP 200 stored "/);
  }
  const objects = await store.objects("mail");
  assert.equal(objects.size, 2);
  for (const [key, bytes] of objects) {
    assert.match(key, /^in\/\d{4}\/\d\d\/\d\d\/01ARZ3NDEKTSV4RRFFQ69G5FAV-[0-9a-f]{16}\.eml$/);
    assert.equal(bytes.toString(), "Subject: x\r\n\r\nhello\r\n");
  }
});

testEach("large mail goes in parts, whatever the pieces are, and is whole at the end", async (store) => {
  const piece = Buffer.from("0123456789abcdef".repeat(4000));
  const content: Content = {
    kind: "file",
    async *chunks() {
      for (let i = 0; i < 190; i++) yield piece;
    },
  };
  const [outcome] = await deliver(settingsFor(store), { content });
  assert.equal(outcome?.kind, "delivered");
  const [[, bytes] = []] = await store.objects("mail");
  assert.equal(bytes?.length, piece.length * 190);
  assert.ok(
    bytes
      .subarray(5 * MIB - 5, 5 * MIB + 5)
      .equals(
        Buffer.concat([piece, piece]).subarray(
          (5 * MIB - 5) % piece.length,
          ((5 * MIB - 5) % piece.length) + 10,
        ),
      ),
  );
});

testEach(
  "wrong keys, and a bucket that is not there, defer mail: a slip of the configuration loses none",
  async (store, t) => {
    const folder = mkdtempSync(join(tmpdir(), "keys-"));
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, "secret"), "another-secret");
    const wrongKey = { ...settingsFor(store), secretFile: join(folder, "secret") };
    const [first] = await deliver(wrongKey);
    assert.deepEqual(
      [first?.kind, first?.status, first?.reply],
      ["deferred", "4.3.5", "HTTP 403 SignatureDoesNotMatch"],
    );
    const [second] = await deliver({ ...settingsFor(store), bucket: "other" });
    assert.deepEqual([second?.kind, second?.reply], ["deferred", "HTTP 404 NoSuchBucket"]);
    const [third] = await deliver({ ...settingsFor(store), keyFile: "/nowhere/key" });
    assert.match(`${third?.kind} ${third?.reply}`, /^deferred .*\/nowhere\/key cannot be read/);
  },
);

testEach(
  "a refusal is heard however large the mail is, though the store closes the line in its midst",
  async (store, t) => {
    const folder = mkdtempSync(join(tmpdir(), "keys-"));
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, "secret"), "another-secret");
    const settings = { ...settingsFor(store), secretFile: join(folder, "secret") };
    const sizes = [100, 70_000, 300_000, 5 * MIB - 1];
    const outcomes = await Promise.all(
      [...sizes, ...sizes, ...sizes].map((size) =>
        deliver(settings, {
          content: { kind: "memory", bytes: Buffer.alloc(size, "x") },
          clock: patientClock,
        }),
      ),
    );
    assert.deepEqual(
      [...new Set(outcomes.map(([outcome]) => outcome?.reply))],
      ["HTTP 403 SignatureDoesNotMatch"],
    );
  },
);

/** A store that answers by script. */
async function scripted(
  t: TestContext,
  answer: (asked: string) => { status: number; body?: string; etag?: string; retryAfter?: string } | "cut",
): Promise<{ settings: ObjectStoreSettings; asked: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), "keys-"));
  writeFileSync(join(folder, "key"), "k");
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      const line = `${request.method} ${request.url?.replace(/^[^?]*\??/, "")}`;
      asked.push(line);
      const said = answer(line);
      if (said === "cut") request.socket.destroy();
      else {
        if (said.etag !== undefined) response.setHeader("etag", said.etag);
        if (said.retryAfter !== undefined) response.setHeader("retry-after", said.retryAfter);
        response.writeHead(said.status).end(said.body);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true });
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const file = join(folder, "key");
  return { settings: settingsFor({ endpoint, keyFile: file, secretFile: file }), asked };
}

const large: Content = { kind: "memory", bytes: Buffer.alloc(11 * MIB, "x") };

test("an error behind 200 at the end of the parts is an error, and the parts are given up", async (t) => {
  const { settings, asked } = await scripted(t, (line) => {
    if (line === "POST uploads=") return { status: 200, body: "<R><UploadId>u1</UploadId></R>" };
    if (line === "POST uploadId=u1")
      return { status: 200, body: "<Error><Code>InternalError</Code></Error>" };
    return { status: 200, etag: '"e"' };
  });
  const [outcome] = await deliver(settings, { content: large });
  assert.deepEqual([outcome?.kind, outcome?.status], ["deferred", "4.3.2"]);
  assert.deepEqual(asked, [
    "POST uploads=",
    "PUT partNumber=1&uploadId=u1",
    "PUT partNumber=2&uploadId=u1",
    "PUT partNumber=3&uploadId=u1",
    "POST uploadId=u1",
    "DELETE uploadId=u1",
  ]);
});

test("a line that breaks defers mail, for the next attempt writes the same object", async (t) => {
  const { settings } = await scripted(t, () => "cut");
  const [outcome] = await deliver(settings);
  assert.match(
    `${outcome?.kind} ${outcome?.status} ${outcome?.reply}`,
    /^deferred 4\.4\.1 The object store: /,
  );
});

test("what an answer means", () => {
  const cases: readonly (readonly [number, string, string])[] = [
    [200, "", "delivered 2.0.0"],
    [400, "BadDigest", "deferred 4.4.2"],
    [400, "EntityTooLarge", "failed 5.3.4"],
    // What speaks of settings, or is no word of a store, must not bounce mail.
    [400, "", "deferred 4.3.5"],
    [400, "KMS.DisabledException", "deferred 4.3.5"],
    [400, "InvalidBucketName", "deferred 4.3.5"],
    // Said to an access key of the wrong length, and of names, which are the prefix and our own id.
    [400, "InvalidArgument", "deferred 4.3.5"],
    [400, "InvalidURI", "deferred 4.3.5"],
    [400, "KeyTooLongError", "deferred 4.3.5"],
    [400, "XMinioInvalidObjectName", "deferred 4.3.5"],
    [400, "constructor", "deferred 4.3.5"],
    [411, "MissingContentLength", "deferred 4.3.5"],
    [414, "", "deferred 4.3.5"],
    [400, "MetadataTooLarge", "failed 5.6.0"],
    [400, "Throttling", "deferred 4.3.2"],
    [400, "SlowDown", "deferred 4.3.2"],
    [400, "RequestTimeout", "deferred 4.4.2"],
    [403, "AccessDenied", "deferred 4.3.5"],
    [403, "RequestLimitExceeded", "deferred 4.3.2"],
    [403, "RequestTimeTooSkewed", "deferred 4.3.5"],
    [404, "NoSuchBucket", "deferred 4.3.5"],
    [301, "PermanentRedirect", "deferred 4.3.5"],
    [413, "EntityTooLarge", "failed 5.3.4"],
    // A proxy in front of the store, by its own limit.
    [413, "", "deferred 4.3.5"],
    [408, "", "deferred 4.3.2"],
    [429, "", "deferred 4.3.2"],
    [500, "InternalError", "deferred 4.3.2"],
    [502, "", "deferred 4.3.2"],
    [504, "", "deferred 4.3.2"],
    [503, "SlowDown", "deferred 4.3.2"],
  ];
  for (const [status, code, expected] of cases) {
    const body = code === "" ? "" : `<Error><Code>${code}</Code></Error>`;
    const outcome = outcomeOfAnswer({ status, etag: "", retryAfter: "", body }, "store/mail", 0);
    assert.equal(`${outcome.kind} ${outcome.status}`, expected, `${status} ${code}`);
  }
});

test("a store that is busy is not asked again before the time it says; other words of time change nothing", async (t) => {
  let said: { status: number; retryAfter: string } = { status: 503, retryAfter: "7200" };
  const { settings } = await scripted(t, () => said);
  const waits = async (status: number, retryAfter: string): Promise<number | undefined> => {
    said = { status, retryAfter };
    return (await deliver(settings))[0]?.notBeforeMs;
  };
  assert.equal(await waits(503, "7200"), 7_200_000);
  assert.equal(await waits(429, "7200"), 7_200_000);
  assert.equal(await waits(503, "not soon"), undefined);
  assert.equal(await waits(403, "7200"), undefined);
  assert.equal(await waits(200, "7200"), undefined);
});

test("an engine keeps mail for a busy store until the time that it has said", async (t) => {
  const { settings } = await scripted(t, () => ({ status: 503, retryAfter: "7200" }));
  const { endpoint, keyFile: accesskeyfile, secretFile: secretkeyfile } = settings;
  const objectstore = { endpoint, bucket: "mail", accesskeyfile, secretkeyfile };
  const retry = { count: 3, intervals: [{ interval: "1m" }] };
  const engine = await startEngine({ server: "127.0.0.1:1", group: { objectstore, retry } });
  t.after(() => engine.stop());
  await sendTo(engine, "ann@example.net");
  const [entry] = await until(
    () => queuedIn(engine),
    (list) => list[0]?.attempts === 1,
  );
  assert.ok(Date.parse(entry?.dueAt ?? "") - Date.now() > 7_000_000);
});

testEach("an engine puts what it takes into the store", async (store, t) => {
  const { endpoint, keyFile: accesskeyfile, secretFile: secretkeyfile } = store;
  const objectstore = { endpoint, bucket: "mail", accesskeyfile, secretkeyfile };
  const engine = await startEngine({ server: "127.0.0.1:1", group: { objectstore } });
  t.after(() => engine.stop());
  const transport = createTransport({ host: "127.0.0.1", port: engine.smtpPort, ignoreTLS: true });
  await transport.sendMail({ from: "a@example.org", to: "b@example.net", subject: "to keep", text: "x" });
  const objects = await until(
    () => store.objects("mail"),
    (map) => map.size === 1,
  );
  assert.match(String([...objects.values()][0]), /^Received: [\s\S]*\r\nSubject: to keep\r\n/);
});
