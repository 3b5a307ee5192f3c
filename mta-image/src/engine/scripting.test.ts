/** Scripts in a whole engine: from the configuration to the conversation, over reloads. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { Lines } from "../../testing/dialogue.ts";
import { type Engine, type EngineOptions, appConfig, startEngine } from "../../testing/harness.ts";

const folder = mkdtempSync(join(tmpdir(), "scripting-test-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const engines: Engine[] = [];
after(() => Promise.all(engines.map((engine) => engine.stop())));

async function engine(options: Partial<EngineOptions>): Promise<Engine> {
  const started = await startEngine({ server: "127.0.0.1:1", ...options });
  engines.push(started);
  return started;
}

/** A server whose senders are judged by this script. */
function judging(script: string, more: Readonly<Record<string, unknown>> = {}): Partial<EngineOptions> {
  return {
    appServer: { phases: { mailfrom: { hook: "judge" } } },
    app: { scripting: { hooks: { mailfrom: [{ id: "judge", data: script }] }, ...more } },
  };
}

async function greeted(to: Engine): Promise<Lines> {
  const client = await Lines.to(to.smtpPort);
  await client.reply();
  await client.ask("EHLO client.example.org");
  return client;
}

async function sender(client: Lines): Promise<string> {
  const reply = await client.ask("MAIL FROM:<a@example.org>");
  await client.ask("RSET");
  return reply;
}

function push(mta: Engine, revision: string, options: Partial<EngineOptions>): ReturnType<Engine["admin"]> {
  const app = JSON.stringify(appConfig({ server: "127.0.0.1:1", ...options }));
  return mta.admin("PUT", "/v1/config", { revision, files: { "smtpd-app.yaml": app } });
}

test("a changed script judges new connections, and those that were there keep theirs", async () => {
  const mta = await engine(judging(`Reject("first");`));
  const before = await greeted(mta);
  assert.equal(await sender(before), "554 5.7.1 first");
  assert.equal((await push(mta, "two", judging(`Reject("second");`))).status, 200);
  assert.equal(await sender(before), "554 5.7.1 first");
  const later = await greeted(mta);
  assert.equal(await sender(later), "554 5.7.1 second");
  before.socket.destroy();
  later.socket.destroy();
});

test("a script that waits while another takes its place goes on as what it was", async () => {
  const waiting = `while (memory_fetch("go") !== true) sleep(0.01); Reject("first");`;
  const mta = await engine(judging(waiting));
  const before = await greeted(mta);
  const reply = sender(before);
  assert.equal((await push(mta, "two", judging(`memory_store("go", true); Reject("second");`))).status, 200);
  const later = await greeted(mta);
  assert.equal(await sender(later), "554 5.7.1 second");
  assert.equal(await reply, "554 5.7.1 first");
  before.socket.destroy();
  later.socket.destroy();
});

test("what a failure means, and how many steps a script may take, is what the configuration says", async () => {
  const million = `for ($i = 0; $i < 1000000; $i += 1) $x = $i; Reject("done");`;
  const mta = await engine(judging(million));
  const replyNow = async (): Promise<string> => {
    const client = await greeted(mta);
    const reply = await sender(client);
    client.socket.destroy();
    return reply;
  };
  assert.equal(await replyNow(), "554 5.7.1 done");
  const limits = { steps: 1000 };
  for (const [onerror, reply] of [
    ["defer", /^451 4\.3\.0 /],
    ["reject", /^554 5\.7\.1 (?!done)/],
    ["accept", /^250 2\.1\.0 /],
  ] as const) {
    assert.equal((await push(mta, onerror, judging(million, { limits, onerror }))).status, 200);
    assert.match(await replyNow(), reply);
  }
});

test("an engine that starts with a script that does not compile comes up, defers what it decides on and says so", async () => {
  const broken = judging(`if (true) {\n  Rejekt("x");\n}`, { onerror: "accept" });
  const mta = await engine(broken);
  const client = await greeted(mta);
  assert.equal(await sender(client), "451 4.3.0 Local trouble, try again later");
  client.socket.destroy();
  assert.equal(((await mta.admin("GET", "/v1/status")).json as { revision: string }).revision, "");
  const refused = await push(mta, "one", broken);
  assert.equal(refused.status, 422);
  assert.match(JSON.stringify(refused.json), /judge:2:3: there is no function Rejekt/);
  assert.equal((await push(mta, "two", judging(`Reject("good");`))).status, 200);
  const { revision } = (await mta.admin("GET", "/v1/status")).json as { revision: string };
  assert.equal(revision, "two");
  const later = await greeted(mta);
  assert.equal(await sender(later), "554 5.7.1 good");
  later.socket.destroy();
});

test("a broken script refuses the change with file, line and column, and the one in force stays", async () => {
  const mta = await engine(judging(`Reject("good");`));
  const { status, json } = await push(mta, "broken", judging(`if (true) {\n  Rejekt("x");\n}`));
  assert.equal(status, 422);
  assert.deepEqual((json as { problems: unknown }).problems, [
    {
      file: "smtpd-app.yaml",
      path: "scripting.hooks.mailfrom.judge",
      reason: "mailfrom/judge:2:3: there is no function Rejekt",
    },
  ]);
  const client = await greeted(mta);
  assert.equal(await sender(client), "554 5.7.1 good");
  client.socket.destroy();
});

test("a script that nobody wrote is a mistake of the configuration", async () => {
  const mta = await engine(judging(`Reject();`));
  const { json } = await push(mta, "none", { appServer: { phases: { eod: { hook: "nothing" } } } });
  assert.deepEqual((json as { problems: unknown }).problems, [
    { file: "smtpd-app.yaml", path: "scripting.hooks.eod", reason: 'there is no script "nothing"' },
  ]);
});

test("files are imported from the configuration and from disk", async () => {
  const path = join(folder, "words.json");
  writeFileSync(path, `["from disk"]`);
  const files = [
    {
      id: "lib/say.hsl",
      data: 'import $words from "../words.json"; function say() { global $words; return $words[0]; }',
    },
    { id: "words.json", path },
  ];
  const mta = await engine(judging(`import { say } from "lib/say.hsl"; Reject(say());`, { files }));
  const client = await greeted(mta);
  assert.equal(await sender(client), "554 5.7.1 from disk");
  client.socket.destroy();
});

test("what scripts did is in the metrics", async () => {
  const mta = await engine(judging(`throw "x";`));
  const client = await greeted(mta);
  assert.match(await sender(client), /^451 4\.3\.0 /);
  client.socket.destroy();
  const text = await (await fetch(`${mta.monitorUrl}/metrics`)).text();
  assert.match(text, /^mta_script_errors_total\{hook="mailfrom"\} 1$/m);
  assert.match(text, /^mta_script_runs_total\{hook="mailfrom"\} 1$/m);
  assert.match(text, /^mta_script_seconds_count\{hook="mailfrom"\} 1$/m);
});

test("scripts read files of the configuration, count in metrics of their own and ask about connections", async () => {
  const files = [{ id: "list.txt", data: "one\ntwo\n" }];
  const mta = await engine(
    judging(
      `metrics_increment("judged", ["how" => "well"]); $f = File("file://list.txt"); $f->readline();
       try { File("file:///etc/passwd"); Reject("open to all"); } catch ($e) { $x = 1; }
       Reject([$f->readline(), string(server_concurrency("smtp"))]);`,
      { files },
    ),
  );
  const client = await greeted(mta);
  const lines = (await sender(client)).split("\n").map((line) => line.slice(10));
  assert.deepEqual(lines, ["two", "1"]);
  client.socket.destroy();
  const text = await (await fetch(`${mta.monitorUrl}/metrics`)).text();
  assert.match(text, /^script_judged\{how="well"\} 1$/m);
});

test("a row of data that breaks its schema refuses the change with its place, and what runs stays", async () => {
  const listed = (row: string): Partial<EngineOptions> => {
    const files = [
      { id: "limits.csv", data: `domain,limit\n${row}\n` },
      {
        id: "limits.csv.schema.json",
        data: '{"fields":[{"name":"domain"},{"name":"limit","type":"integer"}]}',
      },
    ];
    const script = 'import $limits from "limits.csv"; Reject("limit " . ($limits[0]["limit"] + 1));';
    return judging(script, { files });
  };
  const mta = await engine(listed("a.example,10"));
  const refused = await push(mta, "two", listed("a.example,many"));
  assert.equal(refused.status, 422);
  assert.match(
    JSON.stringify(refused.json),
    /judge:1:1: limits\.csv: line 2, column limit: \\"many\\" is no integer/,
  );
  const client = await greeted(mta);
  assert.equal(await sender(client), "554 5.7.1 limit 11");
  client.socket.destroy();
});

test("below a root path scripts import and read what the configuration has not, and nothing above it", async () => {
  const root = join(folder, "root");
  mkdirSync(join(root, "lib"), { recursive: true });
  writeFileSync(join(folder, "above.txt"), "above");
  symlinkSync(join(folder, "above.txt"), join(root, "link.txt"));
  writeFileSync(join(root, "list.txt"), "from the disk");
  writeFileSync(join(root, "own.txt"), "from the disk");
  writeFileSync(join(root, "lib", "say.hsl"), `function say($name) { return File($name)->read(100); }`);
  const script = `import { say } from "file://lib/say.hsl";
    import $all from "txt!*.txt";
    function held($name) { try { return say($name); } catch ($error) { return "none"; } }
    $link = isset($all["link.txt"]) ? "link" : "none";
    Reject(implode(", ", [say("file://list.txt"), say("file://own.txt"), held("file://link.txt"), held("file://../above.txt"), $link]));`;
  const more = { files: [{ id: "own.txt", data: "from the configuration" }] };
  const mta = await engine({ ...judging(script, more), startup: { scripting: { rootpath: root } } });
  const client = await greeted(mta);
  assert.equal(await sender(client), "554 5.7.1 from the disk, from the configuration, none, none, none");
  client.socket.destroy();
});
