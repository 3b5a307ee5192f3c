/** Mail through plugins in a whole engine: delivered by one, and refused at the doors of the queue by another. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createTransport } from "nodemailer";

import type { EngineStatus, QueuePage } from "#contract/admin-api.ts";

import { type Engine, startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { buildNative, testPlugin } from "../../testing/native-plugins.ts";
import { until } from "../../testing/until.ts";

buildNative();

/** Each way to deliver is a server of its own, whose mail takes a transport of its own. */
const ways = {
  now: { how: "now" },
  refuses: { how: "thread", code: 550 },
  error: { how: "error" },
  never: { how: "never" },
} as const;
type Way = keyof typeof ways | "gone" | "smtp";
const names: readonly Way[] = ["now", "refuses", "error", "never", "gone", "smtp"];

const scripts = mkdtempSync(join(tmpdir(), "delivery-scripts-"));
let sink: MailSink;
let engine: Engine;
before(async () => {
  sink = await MailSink.start();
  const plugin = (id: string) => ({ id, path: testPlugin(id) });
  engine = await startEngine({
    server: `127.0.0.1:${sink.port}`,
    startup: {
      servers: names.map((id) => ({ id, listeners: [{ port: 0, address: "127.0.0.1" }] })),
      plugins: [plugin("deliver"), plugin("queue")],
      scripting: { rootpath: scripts },
      shutdown: { timeout: 1 },
    },
    app: {
      servers: names.map((id) => ({ id, transport: id === "smtp" ? "default" : id })),
      transportgroups: [
        { id: "default", connection: { server: `127.0.0.1:${sink.port}` }, transports: [{ id: "default" }] },
        {
          id: "plugins",
          transports: [
            ...Object.entries(ways).map(([id, args]) => ({
              id,
              plugin: { id: "deliver", arguments: args, timeout: id === "never" ? 1 : 60 },
            })),
            { id: "gone", plugin: { id: "gone" } },
          ],
        },
      ],
    },
  });
});
after(async () => {
  await engine.stop();
  await sink.stop();
  rmSync(scripts, { recursive: true });
});

async function send(way: Way, recipients: readonly string[], text = "hello"): Promise<void> {
  const transport = createTransport({
    host: "127.0.0.1",
    port: engine.mta.ports.get(way) ?? 0,
    ignoreTLS: true,
  });
  await transport.sendMail({ from: "a@example.org", to: [...recipients], text });
  transport.close();
}

const totals = async () => ((await engine.admin("GET", "/v1/status")).json as EngineStatus).totals;

/** What is said of a recipient that waits for another attempt. */
async function replyFor(recipient: string): Promise<string> {
  const entry = await until(
    async () =>
      ((await engine.admin("GET", "/v1/queue?status=deferred")).json as QueuePage).entries.find(
        (one) => one.recipient === recipient,
      ),
    (found) => found !== undefined,
  );
  return entry?.lastReply ?? "";
}

test("a plugin delivers each recipient, small mail and large", async () => {
  await send("now", ["b@example.net", "c@example.net"]);
  await send("now", ["d@example.net"], "x".repeat(1_000_000));
  await until(totals, ({ delivered }) => delivered === 3);
  assert.equal(sink.received.length, 0);
});

test("what a plugin refuses for good fails, and so does the notice that takes the same way", async () => {
  await send("refuses", ["b@example.net"]);
  // The notice takes the transport of its mail: the plugin refuses it as well, and a notice has no notice.
  await until(totals, ({ failed }) => failed === 2);
});

test("a plugin's trouble is put off with its words", async () => {
  await send("error", ["trouble@example.net"]);
  assert.equal(await replyFor("trouble@example.net"), "Plugin deliver: no route");
});

test("a plugin that never ends leaves an outcome that is unclear, after its deadline", async () => {
  await send("never", ["never@example.net"]);
  assert.match(
    await replyFor("never@example.net"),
    /: plugin deliver has not ended \(after the end of data\)$/,
  );
  assert.equal((await totals()).unclear, 1);
});

test("mail for a plugin that is not loaded waits for it", async () => {
  await send("gone", ["gone@example.net"]);
  assert.match(await replyFor("gone@example.net"), /: no plugin "gone"$/);
});

test("a plugin at the door of the queue sends some mail back and lets the rest go", async () => {
  await send("smtp", ["b@refuse.example", "b@example.net"]);
  assert.equal(await replyFor("b@refuse.example"), "450 4.7.0 Plugin queue gave it back");
  await sink.taken(1);
  assert.deepEqual(sink.received[0]?.recipients, ["b@example.net"]);
});

test("a script chooses the plugin and its arguments, and hears what the plugin gave back", async () => {
  const hooks = {
    predelivery: `if ($message["recipient"] === "scripted@example.net")
      Try(["plugin" => ["id" => "deliver", "arguments" => ["how" => "thread", "code" => 451]]]);`,
    postdelivery: `$content = $arguments["attempt"]["plugin"]["return"]["content"] ?? "";
      if (str_find($content, "by the script") >= 0) Bounce(["reason" => "heard"]);`,
  };
  const before = JSON.parse(readFileSync(join(engine.folder, "smtpd-app.yaml"), "utf8")) as object;
  const app = JSON.stringify({ ...before, scripting: { hooks } });
  const pushed = await engine.admin("PUT", "/v1/config", {
    revision: "two",
    files: { "smtpd-app.yaml": app },
  });
  assert.equal(pushed.status, 200, JSON.stringify(pushed.json));
  const { failed } = await totals();
  await send("smtp", ["scripted@example.net"], "by the script");
  await until(totals, (now) => now.failed > failed);
});

test("a plugin reads a large file and the message itself among what the script gives it", async () => {
  const large = "0123456789".repeat(20_000);
  writeFileSync(join(scripts, "large"), large);
  const hooks = {
    predelivery: `$file = $message["recipient"] === "large@example.net" ? File("file://large") : $message["file"]["modified"];
      Try(["plugin" => ["id" => "deliver", "arguments" => ["how" => "thread", "code" => 451, "file" => $file]]]);`,
    postdelivery: `$content = $arguments["attempt"]["plugin"]["return"]["content"];
      Queue(["delay" => 7200, "reason" => (length($content) > 100000) . $content[-8:-2]]);`,
  };
  const before = JSON.parse(readFileSync(join(engine.folder, "smtpd-app.yaml"), "utf8")) as object;
  const app = JSON.stringify({ ...before, scripting: { hooks } });
  await engine.admin("PUT", "/v1/config", { revision: "files", files: { "smtpd-app.yaml": app } });
  await send("smtp", ["large@example.net", "itself@example.net"], `${"x".repeat(300_000)}\r\nending`);
  assert.match(await replyFor("large@example.net"), /true.?234567/);
  assert.match(await replyFor("itself@example.net"), /ending/);
});

test("a script hears of a refusal at the door of the queue, and may end it", async () => {
  const predelivery = `$said = $arguments["queue"]["plugin"]["return"]["error"] ?? "";
    if ($said === "REFUSED") Bounce(["reason" => "no way: " . $said]);`;
  const before = JSON.parse(readFileSync(join(engine.folder, "smtpd-app.yaml"), "utf8")) as object;
  const app = JSON.stringify({ ...before, scripting: { hooks: { predelivery } } });
  await engine.admin("PUT", "/v1/config", { revision: "three", files: { "smtpd-app.yaml": app } });
  const { failed } = await totals();
  await send("smtp", ["c@refuse.example"]);
  await until(totals, (now) => now.failed === failed + 1);
});

test("the script behind attempts hears of such a refusal where the one before lets it be", async () => {
  const postdelivery = `$said = $arguments["queue"]["plugin"]["return"]["error"] ?? "";
    if ($said === "REFUSED" and $arguments["attempt"]["error"]["type"] === "plugin" and $arguments["action"] === "QUEUE")
      Bounce(["reason" => "no way: " . $said]);`;
  const before = JSON.parse(readFileSync(join(engine.folder, "smtpd-app.yaml"), "utf8")) as object;
  const app = JSON.stringify({ ...before, scripting: { hooks: { postdelivery } } });
  await engine.admin("PUT", "/v1/config", { revision: "four", files: { "smtpd-app.yaml": app } });
  const { failed } = await totals();
  await send("smtp", ["d@refuse.example"]);
  await until(totals, (now) => now.failed === failed + 1);
});
