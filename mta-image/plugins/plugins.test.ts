/** The ready plugins over the real addon: what they order from the queue, and what they deliver. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import type { LoadedPlugin } from "#mta/plugins/inspect.ts";
import type { NativeMessage, Wire } from "#mta/plugins/native.ts";

import { functionOf, makeTestHost } from "../testing/native-plugins.ts";

const top = join(import.meta.dirname, "../..");
const out = process.env["MAILFLEET_PLUGINS_OUT"] ?? join(top, "build/plugins");
mkdirSync(out, { recursive: true });
const make = ["make", "-s", "-C", import.meta.dirname, `out=${out}`];
execFileSync("flock", [join(out, "lock"), ...make], { stdio: ["ignore", "ignore", "inherit"] });

const folder = mkdtempSync(join(tmpdir(), "ready-plugins-"));
const plugins = makeTestHost();
const { host, queue } = plugins;

const DAY_MS = 86_400_000;
/** A date as the warm-up's configuration writes it, that many days ago, at noon to be safe from summer time. */
const daysAgo = (days: number): string => {
  const date = new Date(Date.now() - days * DAY_MS);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()]
    .map((part) => String(part).padStart(2, "0"))
    .join("-");
};

const schedules = [
  {
    class: "new",
    fields: ["localip", { grouping: "&mailboxes" }],
    properties: { pool: "warm" },
    schedule: [
      { day: 1, messages: 100 },
      { day: 7, messages: 1000, interval: 60 },
    ],
  },
];
const ips = [
  { class: "new", ip: "192.0.2.1", helo: "a.example.com", added: daysAgo(0) },
  { class: "new", ip: "192.0.2.2", added: daysAgo(5) },
  { class: "new", ip: "192.0.2.3", added: daysAgo(30) },
];
const suspends = [
  { if: ["* * * * *"], transportid: "night", tag: "always held" },
  { ifnot: ["* * * * *"], transportid: "day" },
  { ifnot: ["0 0 31 2 *"], recipientdomain: "example.com" },
];

const configs: Record<string, { config?: unknown; appConfig?: unknown }> = {
  "delivery-times": { appConfig: { suspends } },
  "ip-warm-up": { config: { schedules }, appConfig: { ips, exclude: true } },
  "file-delivery": { config: { path: folder, threads: 2 } },
  "http-delivery": {},
};

before(async () => {
  await host.load(
    Object.entries(configs).map(([id, { config, appConfig }]) => ({
      id,
      path: join(out, `${id}.so`),
      config: config ?? null,
      appConfig: appConfig ?? null,
    })),
  );
  host.earlyInit();
  host.init();
  host.ready();
});
after(() => {
  host.cleanup();
  rmSync(folder, { recursive: true });
});

const call = (plugin: string, name: string, ...args: Wire[]) =>
  host.calls.call(functionOf(plugins, plugin, name), args);

function reload(changes: Record<string, unknown>): void {
  host.reload(new Map(Object.entries(configs).map(([id, { appConfig }]) => [id, changes[id] ?? appConfig])));
}

const message: NativeMessage = {
  transactionid: "t-1",
  queueid: 7,
  transportid: "out",
  localip: "",
  remoteip: "",
  remotemx: "",
  recipientdomain: "example.net",
  jobid: "",
  grouping: "&mailboxes",
  tenantid: "",
};

test("delivery-times holds mail inside if and outside ifnot, and nothing else", () => {
  assert.deepEqual(
    queue.suspensions.map(({ match, tag, plugin }) => [
      match.transportid,
      match.recipientdomain,
      tag,
      plugin,
    ]),
    [
      ["night", null, "always held", "delivery-times"],
      [null, "example.com", null, "delivery-times"],
    ],
  );
});

test("delivery-times replaces its suspensions at a reload and keeps them when the new rules make no sense", () => {
  queue.orders.length = 0;
  reload({ "delivery-times": { suspends: [{ if: ["61 * * * *"] }] } });
  assert.deepEqual(
    queue.orders.filter((order) => order.includes("suspend")),
    [],
  );
  const former = queue.suspensions.slice(0, 2).map(({ id }) => id);
  reload({ "delivery-times": { suspends: [{ if: ["* * * * *"], localip: "192.0.2.9" }] } });
  assert.deepEqual(
    queue.orders.filter((order) => order.includes("suspend")),
    ["suspend", "unsuspend first", `unsuspend ${former[1]}`],
  );
  assert.equal(queue.suspensions.at(-1)?.match.localip, "192.0.2.9");
});

test("time patterns have lists, ranges and steps in five fields", () => {
  // Monday 2026-11-23 08:30, local time.
  const at = (hour: number, minute: number, day = 23): number =>
    new Date(2026, 10, day, hour, minute).getTime() / 1000;
  const office = "* 8-17 * * 1-5";
  const times: [string, number, boolean][] = [
    [office, at(8, 30), true],
    [office, at(17, 59), true],
    [office, at(18, 0), false],
    [office, at(8, 30, 22), false],
    ["*/15 * * * *", at(8, 30), true],
    ["*/15 * * * *", at(8, 31), false],
    ["0,30 8 23 11 1", at(8, 30), true],
    ["* 8-17/3 * * *", at(9, 0), true],
    ["* 8-17/3 * * *", at(8, 0), false],
    ["* * * * 0", at(8, 30, 22), true],
  ];
  for (const [pattern, time, expected] of times) {
    assert.equal(
      call("delivery-times", "is_delivery_time", pattern, time),
      expected,
      `${pattern} at ${time}`,
    );
  }
  const wrong = [
    "* * * *",
    "* * * * * *",
    "60 * * * *",
    "* 8-7 * * *",
    "* * 0 * *",
    "1/2 * * * *",
    "x * * * *",
    "* */0 * * *",
  ];
  for (const pattern of wrong)
    assert.throws(() => call("delivery-times", "is_delivery_time", pattern, 0), pattern);
});

test("ip-warm-up bounds each address by its day, and not at all when its warm-up is over", () => {
  const made = queue.policies.map(({ type, fields, match, limits, plugin }) => [
    plugin,
    type,
    fields.join("+"),
    match.localip,
    match.grouping,
    `${limits.tokens}/${limits.intervalSeconds}`,
    limits.tag,
    limits.cluster,
    limits.properties.get("pool"),
  ]);
  const row = ["ip-warm-up", "warmup", "localip+grouping"];
  assert.deepEqual(made.toSorted(), [
    [...row, "192.0.2.1", "&mailboxes", "100/3600", "Day_1", true, "warm"],
    [...row, "192.0.2.2", "&mailboxes", "1000/60", "Day_7", true, "warm"],
  ]);
});

test("ip-warm-up gives scripts the addresses of a class", () => {
  assert.deepEqual((call("ip-warm-up", "warmup_ips", "new") as Wire[]).slice(0, 4), [
    0,
    ["address", "192.0.2.1", "helo", "a.example.com"],
    1,
    ["address", "192.0.2.2"],
  ]);
  assert.deepEqual(call("ip-warm-up", "warmup_ips", "other"), []);
  assert.equal((call("ip-warm-up", "warmup_ips") as Wire[]).length, 6);
});

test("ip-warm-up keeps warming addresses from mail that they are not for", () => {
  const all = ["192.0.2.1", "192.0.2.3", "198.51.100.1"];
  assert.deepEqual(host.hooks.ask("insert", message, all), { kind: "accepted", localIps: all });
  const other = { ...message, grouping: "" };
  assert.deepEqual(host.hooks.ask("insert", other, all), { kind: "accepted", localIps: all.slice(1) });
  assert.deepEqual(host.hooks.ask("insert", other, ["192.0.2.1"]), {
    kind: "refused",
    plugin: "ip-warm-up",
    ret: ["error", "NO_IPS"],
  });
});

test("ip-warm-up updates, adds and drops policies and list items at a reload", () => {
  queue.orders.length = 0;
  const older = [
    { ...ips[0], added: daysAgo(3) },
    { ...ips[2], ip: "192.0.2.4", added: daysAgo(0) },
  ];
  reload({ "ip-warm-up": { ips: older, exclude: true } });
  const orders = queue.orders
    .filter((order) => !order.includes("suspend"))
    .map((order) => order.replace(/[0-9a-f-]{36}|first/, "id"));
  assert.deepEqual(orders.toSorted(), [
    "delete id",
    "list add localip new",
    "list add-item localip new 192.0.2.4",
    "list delete-item localip new 192.0.2.2",
    "list delete-item localip new 192.0.2.3",
    "list reload null null",
    "policy warmup localip+grouping",
    "update id 6",
  ]);
  reload({ "ip-warm-up": { ips: [{ class: "unknown", ip: "192.0.2.1", added: daysAgo(1) }] } });
  assert.equal((call("ip-warm-up", "warmup_ips") as Wire[]).length, 4);
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
        error: null,
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
