/** Native plugins in a whole engine: started, asked, told, blamed, and refused when they do not fit. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import type { EngineStatus } from "#contract/admin-api.ts";
import type { PluginList } from "#contract/plugins-api.ts";
import { exitCodes } from "#contract/runtime.ts";

import { ChildEngine, runProgram } from "../../testing/child-engine.ts";
import { type Engine, appConfig, startEngine, writeConfig } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { buildNative, testPlugin } from "../../testing/native-plugins.ts";
import { until } from "../../testing/until.ts";

const folder = mkdtempSync(join(tmpdir(), "plugin-life-"));
after(() => rmSync(folder, { recursive: true, force: true }));
buildNative();

const plugin = (id: string, config: unknown = {}) => ({ id, path: testPlugin(id), config });
const anySink = { server: "127.0.0.1:9" };

describe("an engine with plugins", () => {
  let sink: MailSink;
  let engine: Engine;

  before(async () => {
    sink = await MailSink.start();
    const loopback = { port: 0, address: "127.0.0.1" };
    engine = await startEngine({
      server: `127.0.0.1:${sink.port}`,
      startup: {
        servers: [
          { id: "smtp", listeners: [loopback] },
          { id: "inside", type: "plugin" },
        ],
        plugins: [plugin("lifecycle"), plugin("old-command"), plugin("inject"), plugin("values")],
      },
      app: {
        servers: [
          { id: "smtp", transport: "default" },
          { id: "inside", transport: "default", phases: { data: { maxsize: 1000 } } },
        ],
        plugins: [{ id: "lifecycle", config: { level: 1 } }],
      },
    });
  });
  after(async () => {
    await engine.stop();
    await sink.stop();
  });

  const command = (id: string, ...args: readonly string[]) =>
    engine.admin("POST", `/v1/plugins/${id}/command`, { args });

  /** What was said to the plugin of the mails that it has injected, once it was said of so many. */
  async function codes(count: number): Promise<string> {
    const said = await until(
      async () => ((await command("inject", "codes")).json as { text: string }).text.trim().split(" "),
      ({ length }) => length === count,
    );
    return said.toSorted().join(" ");
  }

  test("has led them through their start, in order, before the first client", async () => {
    assert.deepEqual((await command("lifecycle", "story")).json, {
      ok: true,
      text: "early_init app init app hsl_register ready",
    });
  });

  test("says which plugins it has, what they are for and what they offer", async () => {
    const { plugins } = (await engine.admin("GET", "/v1/plugins")).json as PluginList;
    assert.deepEqual(
      plugins.map(({ id, roles, crashes }) => [id, roles, crashes]),
      [
        ["lifecycle", ["script"], 0],
        ["old-command", [], 0],
        ["inject", ["inject"], 0],
        ["values", ["script"], 0],
      ],
    );
    const { exported, functions, abiVersion, sha256 } = plugins[3] ?? {};
    assert.deepEqual(exported, ["Halon_hsl_register", "Halon_version"]);
    assert.ok(functions?.some((name) => name.startsWith("module:")));
    assert.match(`${abiVersion} ${sha256}`, /^[1-9]\d* [0-9a-f]{64}$/);
    const status = (await engine.admin("GET", "/v1/status")).json as EngineStatus;
    assert.deepEqual(status.plugins, plugins);
  });

  test("gives new configuration to them after a reload", async () => {
    const config = appConfig({ server: `127.0.0.1:${sink.port}` });
    const servers = [
      { id: "smtp", transport: "default" },
      { id: "inside", transport: "default" },
    ];
    const plugins = [{ id: "lifecycle", config: { level: 2 } }];
    writeFileSync(join(engine.folder, "smtpd-app.yaml"), JSON.stringify({ ...config, servers, plugins }));
    assert.equal((await engine.admin("POST", "/v1/config/reload", {})).status, 200);
    const { text } = (await command("lifecycle", "story")).json as { text: string };
    assert.match(text, / ready reload level 2 \{"level":2\}$/);
  });

  test("passes commands on, and says what cannot be asked", async () => {
    assert.deepEqual((await command("lifecycle", "twice", "é")).json, { ok: true, text: "éé" });
    assert.deepEqual((await command("lifecycle", "dance")).json, { ok: false, text: "unknown command" });
    const nobody = await command("nobody", "x");
    assert.deepEqual([nobody.status, (nobody.json as { code: string }).code], [404, "plugin-command"]);
    const refused = await engine.admin("POST", "/v1/plugins/lifecycle/command", { args: ["a\0b"] });
    assert.equal(refused.status, 400);
  });

  test("takes the mail that a plugin injects, and tells the plugin so", async () => {
    await command("inject", "inside", "hello\nyou\n");
    // In one message or in two, in either order.
    const recipients = await until(
      () => sink.received.flatMap((mail) => mail.recipients),
      ({ length }) => length >= 2,
    );
    assert.deepEqual(recipients.toSorted(), ["bob@example.net", "postmaster"]);
    for (const { content } of sink.received) {
      assert.match(content.toString(), /^Received: from plugin\.inject \(local\)\r\n\tby /);
      assert.match(content.toString(), /Subject: x\r\n\r\nhello\r\nyou\r\n$/);
    }
    assert.equal(await codes(1), "code=250");
  });

  test("asks the script of the server about injected mail, as for any other", async () => {
    const before = JSON.parse(readFileSync(join(engine.folder, "smtpd-app.yaml"), "utf8")) as {
      servers: Record<string, unknown>[];
    };
    const servers = before.servers.map((server) =>
      server["id"] === "inside" ? { ...server, phases: { eod: { hook: "judge" } } } : server,
    );
    const judge = `if (str_find($arguments["mail"]->toString(), "refuse me") >= 0) Reject("not this");
      echo $transaction["sender"];`;
    const scripting = { hooks: { eod: [{ id: "judge", data: judge }] } };
    const app = JSON.stringify({ ...before, servers, scripting });
    const files = { "smtpd-app.yaml": app };
    const pushed = await engine.admin("PUT", "/v1/config", { revision: "judged", files });
    assert.equal(pushed.status, 200, JSON.stringify(pushed.json));
    const count = sink.received.length;
    await command("inject", "inside", "refuse me");
    await command("inject", "inside", "take me");
    await until(
      () => sink.received.length,
      (now) => now > count,
    );
    assert.match(sink.received.at(-1)?.content.toString() ?? "", /take me$/m);
    assert.equal(await codes(3), "code=250 code=250 code=550");
  });

  test("counts for each plugin", async () => {
    const text = await (await fetch(`${engine.monitorUrl}/metrics`)).text();
    assert.match(text, /^mta_plugin_loaded\{plugin="inject"\} 1$/m);
    assert.match(text, /^mta_plugin_crashes_total\{plugin="inject"\} 0$/m);
  });
});

describe("a plugin that does not fit", () => {
  const refusals: readonly [what: string, id: string, path: () => string, says: RegExp][] = [
    [
      "is missing",
      "gone",
      () => join(folder, "gone.so"),
      /^smtpd: plugin gone \(.*gone\.so\): it cannot be read/,
    ],
    ["is no ELF file", "text", () => text(), /^smtpd: plugin text \(.*text\.so\): it is not an ELF file$/],
    ["is built for another machine", "arm", () => foreign(), /: it is built for arm64, this is x64$/],
    [
      "is of another version",
      "bad-version",
      () => testPlugin("bad-version"),
      /: it is built for plugin version /,
    ],
    ["lacks a function of the host", "bad-symbol", () => testPlugin("bad-symbol"), /: it needs HalonMTA_/],
    ["says no", "bad-init", () => testPlugin("bad-init"), /^smtpd: plugin bad-init \(.*\): /],
  ];
  for (const [what, id, path, says] of refusals) {
    test(`keeps the engine from starting, by name, file and reason: it ${what}`, async () => {
      const home = mkdtempSync(join(folder, "refused-"));
      writeConfig(home, { ...anySink, startup: { plugins: [{ id, path: path() }] } });
      const ended = await runProgram("smtpd", ["-c", join(home, "smtpd.yaml")]);
      assert.equal(ended.code, exitCodes.badConfig);
      assert.match(ended.stderr.trim(), says);
    });
  }

  function text(): string {
    const path = join(folder, "text.so");
    writeFileSync(path, "no program");
    return path;
  }

  /** A good plugin whose header says AArch64 (e_machine 183). */
  function foreign(): string {
    const bytes = readFileSync(testPlugin("lifecycle"));
    bytes.writeUInt16LE(183, 18);
    const path = join(folder, "arm.so");
    writeFileSync(path, bytes);
    return path;
  }
});

describe("a plugin that misbehaves", () => {
  let engine: ChildEngine;
  before(async () => {
    engine = await ChildEngine.start({
      folder: join(folder, "misbehaving"),
      ...anySink,
      startup: { plugins: [plugin("lifecycle")] },
    });
  });
  after(() => engine.end("SIGKILL"));

  const mtactl = (...args: readonly string[]) => runProgram("mtactl", args, engine.env);
  const metric = async (name: string): Promise<string | undefined> => {
    const text = await (await fetch(`http://127.0.0.1:${engine.ports.monitor}/metrics`)).text();
    return new RegExp(`^${name}\\{plugin="lifecycle"\\} (\\d+)$`, "m").exec(text)?.[1];
  };

  test("is named, with how long, when it has held the event loop", async () => {
    assert.equal(await metric("mta_plugin_blocked_calls_total"), "0");
    assert.equal((await mtactl("plugin", "command", "lifecycle", "block")).code, 0);
    assert.equal(await metric("mta_plugin_blocked_calls_total"), "1");
    assert.ok(Number(await metric("mta_plugin_blocked_milliseconds_total")) >= 1000);
  });

  test("answers on the command line, with its own no as exit code", async () => {
    assert.match((await mtactl("plugin", "command", "lifecycle", "story")).stdout, /^early_init .* ready\n$/);
    const refused = await mtactl("plugin", "command", "lifecycle", "dance");
    assert.deepEqual([refused.code, refused.stdout], [1, "unknown command\n"]);
    const listed = (await mtactl("plugins")).stdout;
    assert.match(listed, /^lifecycle {2}\S+\n {2}roles {6}script; interface version \d+\n/);
    assert.match(listed, /1 blocked for \d{4,} ms, 0 misuses, 0 crashes\n$/);
  });

  test("is named by the next process when it has brought one down", async () => {
    await mtactl("plugin", "command", "lifecycle", "crash");
    assert.equal(await engine.end("SIGTERM"), null);
    await engine.start();
    assert.equal(await metric("mta_plugin_crashes_total"), "1");
  });
});
