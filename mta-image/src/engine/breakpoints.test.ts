import assert from "node:assert/strict";
import { after, test } from "node:test";

import { BreakpointDetail, BreakpointView } from "#contract/breakpoint-api.ts";

import { Lines } from "../../testing/dialogue.ts";
import { type Engine, startEngine } from "../../testing/harness.ts";
import { until } from "../../testing/until.ts";

const engines: Engine[] = [];
after(() => Promise.all(engines.map((engine) => engine.stop())));

const lib = `function twice($text) {
  $both = $text . $text;
  return $both;
}`;
const script = `import { twice } from "lib.hsl";
$token = "s3cret-value";
$name = $arguments["address"]["localpart"];

$rows = [];
for ($i = 0; $i < 3; $i++)
  $rows[] = $i;
Reject(twice($name . length($token)));`;

async function started(): Promise<Engine> {
  const engine = await startEngine({
    server: "127.0.0.1:1",
    appServer: { phases: { mailfrom: { hook: "judge" } } },
    app: {
      scripting: {
        files: [{ id: "lib.hsl", data: lib }],
        hooks: { mailfrom: [{ id: "judge", data: script }] },
      },
    },
  });
  engines.push(engine);
  return engine;
}

async function greeted(to: Engine): Promise<Lines> {
  const client = await Lines.to(to.smtpPort);
  await client.reply();
  await client.ask("EHLO client.example.org");
  return client;
}

async function judged(to: Engine): Promise<string> {
  const client = await greeted(to);
  const reply = await client.ask("MAIL FROM:<bob@example.org>");
  client.socket.destroy();
  return reply;
}

async function set(to: Engine, request: object): Promise<BreakpointView> {
  const { status, json } = await to.admin("POST", "/v1/breakpoints", request);
  assert.equal(status, 200, JSON.stringify(json));
  return BreakpointView.parse(json);
}

async function detail(of: Engine, id: number): Promise<BreakpointDetail> {
  return BreakpointDetail.parse((await of.admin("GET", `/v1/breakpoints/${id}`)).json);
}

const answer = "554 5.7.1 bob12bob12";

test("a hit shows place, stack and variables without secrets, and the script goes on", async () => {
  const engine = await started();
  const { id } = await set(engine, { file: "lib.hsl", line: 3 });
  assert.equal(await judged(engine), answer);
  const { breakpoint, snapshots } = await detail(engine, id);
  assert.deepEqual([breakpoint.hits, snapshots.length], [1, 1]);
  const [{ at: _, ...seen } = { at: "" }] = snapshots;
  assert.deepEqual(seen, {
    hook: "mailfrom",
    file: "lib.hsl",
    line: 3,
    column: 3,
    stack: [
      { name: "twice", file: "lib.hsl", line: 3, column: 3 },
      { name: "main", file: "mailfrom/judge", line: 8, column: 8 },
    ],
    variables: [
      { name: "text", value: '"bob12"' },
      { name: "both", value: '"bob12bob12"' },
    ],
  });
  const main = await set(engine, { file: "mailfrom/judge", line: 8 });
  await judged(engine);
  const shown = (await detail(engine, main.id)).snapshots[0]?.variables ?? [];
  const values = Object.fromEntries(shown.map(({ name, value }) => [name, value]));
  assert.deepEqual([values["token"], values["name"], values["rows"]], ["***", '"bob"', "[0=>0,1=>1,2=>2]"]);
});

test("a breakpoint ends with its hits and is kept with what it saw; connections that were there do not hit it", async () => {
  const engine = await started();
  const before = await greeted(engine);
  const { id } = await set(engine, { file: "mailfrom/judge", line: 7, hits: 2 });
  assert.equal(await before.ask("MAIL FROM:<bob@example.org>"), answer);
  before.socket.destroy();
  assert.equal((await detail(engine, id)).breakpoint.hits, 0);
  assert.equal(await judged(engine), answer);
  await until(
    async () => (await detail(engine, id)).breakpoint,
    ({ isOver }) => isOver,
  );
  assert.equal(await judged(engine), answer);
  const { breakpoint, snapshots } = await detail(engine, id);
  assert.deepEqual([breakpoint.hits, snapshots.length], [2, 2]);
  assert.deepEqual((await engine.admin("DELETE", `/v1/breakpoints/${id}`)).json, { changed: 1 });
  assert.deepEqual((await engine.admin("DELETE", `/v1/breakpoints/${id}`)).json, { changed: 0 });
  assert.equal((await engine.admin("GET", `/v1/breakpoints/${id}`)).status, 404);
});

test("a breakpoint ends with its time", async () => {
  const engine = await started();
  const { id } = await set(engine, { file: "lib.hsl", line: 2, seconds: 1 });
  await until(
    async () => (await detail(engine, id)).breakpoint,
    ({ isOver }) => isOver,
  );
  assert.equal(await judged(engine), answer);
  assert.equal((await detail(engine, id)).breakpoint.hits, 0);
});

test("a place where no statement begins is refused, and so is one too many", async () => {
  const engine = await started();
  const put = (request: object): ReturnType<Engine["admin"]> =>
    engine.admin("POST", "/v1/breakpoints", request);
  const empty = await put({ file: "mailfrom/judge", line: 4 });
  const message = "no statement of a script begins at mailfrom/judge:4; the next one begins in line 5";
  assert.deepEqual([empty.status, empty.json], [422, { code: "no-statement", message }]);
  assert.equal((await put({ file: "nowhere", line: 1 })).status, 422);
  assert.equal((await put({ file: "lib.hsl", line: 0 })).status, 400);
  assert.deepEqual((await engine.admin("GET", "/v1/breakpoints")).json, { breakpoints: [] });
  for (let count = 0; count < 16; count++) await set(engine, { file: "lib.hsl", line: 2 });
  const full = await put({ file: "lib.hsl", line: 2 });
  assert.deepEqual([full.status, (full.json as { code: string }).code], [409, "breakpoints-full"]);
  assert.equal(await judged(engine), answer);
});
