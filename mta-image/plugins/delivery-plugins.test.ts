/** The ready plugins that deliver: what arrives where, and what is told of it. */
import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import type { LoadedPlugin } from "#mta/plugins/inspect.ts";
import type { Wire } from "#mta/plugins/native.ts";

import { message, startReadyPlugins } from "../testing/ready-plugins.ts";

const folder = mkdtempSync(join(tmpdir(), "file-delivery-"));
const { host } = await startReadyPlugins({
  "file-delivery": { config: { path: folder, threads: 2 } },
  "http-delivery": {},
});
after(() => {
  host.cleanup();
  rmSync(folder, { recursive: true });
});

const body = "Subject: x\r\n\r\nhello";
const deliver = (id: string, args: Wire, text = body) =>
  host.deliveries.deliver(host.plugins.find((plugin) => plugin.id === id) as LoadedPlugin, {
    message,
    file: [Buffer.from(text)],
    args,
  });

test("file-delivery writes whole files under the message's name or the given one", async () => {
  const results = await Promise.all([
    deliver("file-delivery", []),
    deliver("file-delivery", ["filename", "x.eml"]),
  ]);
  assert.deepEqual(
    results.map(({ code, reason, error }) => [code, reason, error]),
    [
      [250, "FILE", null],
      [250, "FILE", null],
    ],
  );
  assert.deepEqual(readdirSync(folder).toSorted(), ["t-1_7.eml", "x.eml"]);
  assert.equal(readFileSync(join(folder, "x.eml"), "latin1"), body);
});

test("file-delivery refuses names that leave its folder for good, and the system's troubles for now", async () => {
  for (const name of ["../x", "a/b", ".hidden", "", "a\0b", "x".repeat(300)]) {
    assert.equal((await deliver("file-delivery", ["filename", name])).code, 550, name);
  }
  mkdirSync(join(folder, "taken.eml"));
  const { code, error } = await deliver("file-delivery", ["filename", "taken.eml"]);
  assert.equal(code, null);
  assert.match(error ?? "", /^rename taken\.eml: Is a directory$/);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.includes(".part")),
    [],
  );
});

interface Seen {
  readonly request: IncomingMessage;
  readonly body: string;
}

async function withServer(
  answer: (response: ServerResponse) => void,
  run: (url: string) => Promise<void>,
): Promise<Seen[]> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      seen.push({ request, body: Buffer.concat(parts).toString("latin1") });
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  server.closeAllConnections();
  server.close();
  return seen;
}

test("http-delivery sends the message and takes the status for its result", async () => {
  const seen = await withServer(
    (response) => response.writeHead(503).end("busy"),
    async (url) => {
      const headers: Wire = [0, "X-Tenant: acme"];
      const result = await deliver("http-delivery", [
        "url",
        `${url}/mail`,
        "headers",
        headers,
        "username",
        "u",
        "password",
        "p",
      ]);
      assert.deepEqual(result, {
        code: 503,
        reason: "HTTP",
        error: "Service Unavailable",
        trace: [],
        ret: ["status", 503, "content", "busy"],
      });
    },
  );
  const [{ request, body: sent }] = seen as [Seen];
  assert.deepEqual(
    [request.method, request.url, request.headers["x-tenant"], sent],
    ["POST", "/mail", "acme", body],
  );
  assert.equal(request.headers.authorization, `Basic ${Buffer.from("u:p").toString("base64")}`);
});

test("http-delivery takes trouble of the server for a temporary error, and from 550 on its word", async () => {
  const statuses = [200, 403, 429, 500, 502, 504, 520, 549, 550, 599];
  const errors: unknown[] = [];
  await withServer(
    (response) => response.writeHead(statuses[errors.length] as number).end(),
    async (url) => {
      for (const status of statuses) {
        const { code, error } = await deliver("http-delivery", ["url", url]);
        assert.equal(code, status);
        errors.push(error);
      }
    },
  );
  const own = "the server has trouble";
  assert.deepEqual(errors, [
    ...[null, null, null],
    ...["Internal Server Error", "Bad Gateway", "Gateway Timeout", own, own],
    ...[null, null],
  ]);
});

test("http-delivery tells scripts for how long the server does not want to be asked again", async () => {
  const later = new Date(Date.now() + 3_600_000).toUTCString();
  const said = ["7200", later, "999999999999", "soon", "-1", "Sun, 06 Nov 1994 08:49:37 GMT"];
  const waits: unknown[] = [];
  await withServer(
    (response) => response.writeHead(503, { "retry-after": said[waits.length] ?? "" }).end(),
    async (url) => {
      for (const _ of said) {
        const { ret } = await deliver("http-delivery", ["url", url]);
        const items = ret as readonly Wire[];
        const at = items.indexOf("retryafter");
        waits.push(at === -1 ? null : items[at + 1]);
      }
    },
  );
  const [seconds, date, ...others] = waits;
  assert.equal(seconds, 7200);
  assert.ok(Number(date) > 3500 && Number(date) <= 3600, String(date));
  // Where it says nothing that can be used, there is nothing.
  assert.deepEqual(others, [86_400, null, null, null]);
});

test("http-delivery encodes, and wraps the message in a form", async () => {
  const large = "x".repeat(200_000);
  const form: Wire = [
    "name",
    "file",
    "filename",
    "m.eml",
    "type",
    "message/rfc822",
    "fields",
    ["k", ["data", "v"]],
  ];
  const seen = await withServer(
    (response) => response.end(),
    async (url) => {
      await deliver("http-delivery", ["url", url, "encoder", "base64"], large);
      await deliver("http-delivery", ["url", url, "form_data", form]);
    },
  );
  assert.equal(Buffer.from(seen[0]?.body ?? "", "base64").toString(), large);
  const parsed = await new Response(Buffer.from(seen[1]?.body ?? "", "latin1"), {
    headers: { "content-type": seen[1]?.request.headers["content-type"] ?? "" },
  }).formData();
  assert.equal(parsed.get("k"), "v");
  const file = parsed.get("file") as File;
  assert.deepEqual([file.name, file.type, await file.text()], ["m.eml", "message/rfc822", body]);
});

test("http-delivery signs for an object storage so that the storage can verify it", async () => {
  const seen = await withServer(
    (response) => response.end(),
    async (url) => {
      const target = `${url}/bucket/a%20b+c?x=1`;
      await deliver("http-delivery", [
        "url",
        target,
        "method",
        "PUT",
        "aws_sigv4",
        "aws:amz:eu-north-1:s3",
        "username",
        "KEY",
        "password",
        "SECRET",
      ]);
    },
  );
  const [{ request, body: sent }] = seen as [Seen];
  assert.equal(sent, body);
  assert.equal(request.headers.authorization, expectedSignature(request));
});

/** The signature as the storage computes it from what arrived. */
function expectedSignature(request: IncomingMessage): string {
  const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
  const { headers } = request;
  const stamp = String(headers["x-amz-date"]);
  const names = ["host", "x-amz-content-sha256", "x-amz-date"];
  const canonical = [
    "PUT",
    "/bucket/a%20b%2Bc",
    "x=1",
    ...names.map((name) => `${name}:${String(headers[name])}`),
    "",
    names.join(";"),
    sha256(body),
  ].join("\n");
  const scope = `${stamp.slice(0, 8)}/eu-north-1/s3/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", stamp, scope, sha256(canonical)].join("\n");
  let key: Buffer = Buffer.from("AWS4SECRET");
  for (const word of [...scope.split("/"), text]) key = createHmac("sha256", key).update(word).digest();
  return `AWS4-HMAC-SHA256 Credential=KEY/${scope}, SignedHeaders=${names.join(";")}, Signature=${key.toString("hex")}`;
}

test("http-delivery takes a failed connection, a time-out and bad arguments for temporary errors without secrets", async () => {
  const refused = await deliver("http-delivery", [
    "url",
    "http://user:secret@127.0.0.1:1/",
    "password",
    "secret",
  ]);
  assert.equal(refused.code, null);
  assert.match(refused.error ?? "", /connection refused/);
  assert.ok(!refused.error?.includes("secret"));
  await withServer(
    () => {},
    async (url) => {
      const { error } = await deliver("http-delivery", ["url", url, "timeout", 0.05]);
      assert.match(error ?? "", /deadline/);
    },
  );
  assert.match(
    (await deliver("http-delivery", ["url", "ftp://x/"])).error ?? "",
    /url is missing or not http/,
  );
});

test("http-delivery has many attempts under way at once", async () => {
  const seen = await withServer(
    (response) => setTimeout(() => response.end(), 20),
    async (url) => {
      const results = await Promise.all(
        Array.from({ length: 100 }, () => deliver("http-delivery", ["url", url])),
      );
      assert.ok(results.every(({ code }) => code === 200));
    },
  );
  assert.equal(seen.length, 100);
});
