import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";
import { StageRequest } from "#contract/stage-api.ts";

import { Lines } from "../../testing/dialogue.ts";
import { type Engine, type EngineOptions, appConfig, startEngine } from "../../testing/harness.ts";
import type { LiveConfig } from "../config/live-config.ts";
import type { Settings } from "../config/settings.ts";
import { LiveStage } from "./live-stage.ts";

const engines: Engine[] = [];
after(() => Promise.all(engines.map((engine) => engine.stop())));

function judging(script: string): Partial<EngineOptions> {
  return {
    appServer: { phases: { mailfrom: { hook: "judge" } } },
    app: { scripting: { hooks: { mailfrom: [{ id: "judge", data: script }] } } },
  };
}

async function engine(): Promise<Engine> {
  const started = await startEngine({ server: "127.0.0.1:1", ...judging(`Reject("in force");`) });
  engines.push(started);
  return started;
}

const app = (script: string): string =>
  JSON.stringify(appConfig({ server: "127.0.0.1:1", ...judging(script) }));

async function connected(to: Engine, from: string): Promise<Lines> {
  const socket = connect({ port: to.smtpPort, host: "127.0.0.1", localAddress: from });
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  const client = new Lines(socket);
  await client.reply();
  await client.ask("EHLO client.example.org");
  return client;
}

async function judged(to: Engine, from = "127.0.0.1"): Promise<string> {
  const client = await connected(to, from);
  const reply = await client.ask("MAIL FROM:<a@example.org>");
  client.socket.destroy();
  return reply.slice(10);
}

test("clients of the conditions get the second configuration, all others the one in force", async () => {
  const mta = await engine();
  const conditions = { remoteips: ["127.0.0.2/32"], serverids: ["smtp"] };
  const put = await mta.admin("PUT", "/v1/stage", { id: "try", app: app(`Reject("staged");`), conditions });
  assert.equal(put.status, 200);
  assert.equal(await judged(mta, "127.0.0.2"), "staged");
  assert.equal(await judged(mta, "127.0.0.1"), "in force");
  const { json } = await mta.admin("GET", "/v1/stage");
  const { stage } = json as { stage: { id: string; connections: number } };
  assert.deepEqual([stage.id, stage.connections], ["try", 1]);
});

test("a stage ends by order or after its number of connections; who began under it keeps it", async () => {
  const mta = await engine();
  await mta.admin("PUT", "/v1/stage", { id: "a", app: app(`Reject("staged");`) });
  const kept = await connected(mta, "127.0.0.1");
  assert.deepEqual((await mta.admin("DELETE", "/v1/stage")).json, { changed: 1 });
  assert.deepEqual((await mta.admin("DELETE", "/v1/stage")).json, { changed: 0 });
  assert.equal(await judged(mta), "in force");
  assert.equal(await kept.ask("MAIL FROM:<a@example.org>"), "554 5.7.1 staged");
  kept.socket.destroy();
  await mta.admin("PUT", "/v1/stage", { id: "b", app: app(`Reject("staged");`), conditions: { count: 1 } });
  assert.equal(await judged(mta), "staged");
  assert.equal(await judged(mta), "in force");
  assert.deepEqual((await mta.admin("GET", "/v1/stage")).json, { stage: null });
});

test("mail under a stage may have as many hops as the stage says, and other mail as many as before", async () => {
  const mta = await engine();
  const hops = (most: number): string =>
    JSON.stringify(appConfig({ server: "127.0.0.1:1", appServer: { phases: { data: { maxhops: most } } } }));
  const ended = async (from: string, count: number): Promise<string> => {
    const client = await connected(mta, from);
    await client.ask("MAIL FROM:<a@example.org>");
    await client.ask("RCPT TO:<b@example.net>");
    await client.ask("DATA");
    const said = await client.ask(`${"Received: from h\r\n".repeat(count)}Subject: x\r\n\r\nx\r\n.`);
    client.socket.destroy();
    return said.slice(0, 9);
  };
  const pushed = await mta.admin("PUT", "/v1/config", {
    revision: "2",
    files: { "smtpd-app.yaml": hops(4) },
  });
  assert.equal(pushed.status, 200, JSON.stringify(pushed.json));
  const conditions = { remoteips: ["127.0.0.2/32"] };
  for (const most of [2, 6]) {
    await mta.admin("PUT", "/v1/stage", { id: "try", app: hops(most), conditions });
    assert.equal(await ended("127.0.0.2", most), "250 2.0.0");
    assert.equal(await ended("127.0.0.2", most + 1), "554 5.4.6");
    assert.equal(await ended("127.0.0.1", 4), "250 2.0.0");
    assert.equal(await ended("127.0.0.1", 5), "554 5.4.6");
  }
});

test("a stage of nobody is nobody's, and one that is broken is refused and changes nothing", async () => {
  const mta = await engine();
  await mta.admin("PUT", "/v1/stage", {
    id: "a",
    app: app(`Reject("staged");`),
    conditions: { probability: 0 },
  });
  assert.equal(await judged(mta), "in force");
  const broken = await mta.admin("PUT", "/v1/stage", { id: "b", app: app("Rejekt();") });
  assert.equal(broken.status, 422);
  const { problems } = broken.json as { problems: { reason: string }[] };
  assert.equal(problems[0]?.reason, "mailfrom/judge:1:1: there is no function Rejekt");
  assert.equal(((await mta.admin("GET", "/v1/stage")).json as { stage: { id: string } }).stage.id, "a");
  assert.equal((await mta.admin("PUT", "/v1/stage", { id: "c", app: "servers: [" })).status, 422);
  assert.equal((await mta.admin("PUT", "/v1/stage", { id: "c" })).status, 400);
});

test("a stage lasts as long as was said, whatever the wall clock is set to", async () => {
  const clock = new ManualClock();
  const settings = { sessions: new Map([["smtp", {}]]) };
  const startup = JSON.stringify({ servers: [{ id: "smtp", listeners: [{ port: 25 }] }] });
  const stage = new LiveStage({
    clock,
    random: () => 0,
    config: { texts: { startup, revision: "" } } as unknown as LiveConfig,
    prepare: async () => settings as unknown as Settings,
  });
  const order = StageRequest.parse({ id: "a", app: app(""), conditions: { seconds: 60 } });
  assert.deepEqual(await stage.put(order), []);
  for (const jump of [86_400_000, -2 * 86_400_000]) {
    clock.setWall(jump);
    assert.equal(stage.settingsFor("smtp", "192.0.2.1"), settings.sessions.get("smtp"));
    assert.equal(Date.parse(stage.state()?.endsAt ?? ""), clock.now() + 60_000);
  }
  clock.advance(60_000);
  assert.equal(stage.settingsFor("smtp", "192.0.2.1"), null);
});
