import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";
import { type Engine, startEngine } from "../../testing/harness.ts";
import { PASSWORD, type WebRig, startRig } from "../testing/rig.ts";
import { hashPassword } from "./password.ts";

const change = { action: "hold", filter: {} };
let engine: Engine;
let rig: WebRig;
let pages: string;
before(async () => {
  engine = await startEngine({ server: "127.0.0.1:1" });
  pages = mkdtempSync(join(tmpdir(), "pages-"));
  mkdirSync(join(pages, "assets"));
  writeFileSync(join(pages, "index.html"), "<!doctype html><title>page</title>");
  writeFileSync(join(pages, ".secret"), "hidden");
});
beforeEach(async () => {
  // The bound on attempts by address belongs to one server, so each test has its own.
  rig = await startRig({
    engines: { hosts: [{ name: "one", url: engine.adminUrl }] },
    token: engine.token,
    pages,
    further: { proxy: { trusted: ["192.0.2.0/24"], roles: { chiefs: "admin" } } },
  });
});
afterEach(() => rig.stop());
after(async () => {
  await engine.stop();
  rmSync(pages, { recursive: true, force: true });
});

describe("who may come in", () => {
  test("without a session there is nothing but the pages, the log-in and the API's description", async () => {
    const nobody = rig.visitor();
    for (const path of ["/api/session", "/api/overview", "/api/audit", "/api/config"])
      assert.equal((await nobody.call("GET", path)).status, 401, path);
    assert.equal((await nobody.call("POST", "/api/queue/change", change)).status, 401);
    assert.equal((await nobody.call("GET", "/api/openapi.json")).status, 200);
    assert.equal((await nobody.call("GET", "/")).status, 200);
  });

  test("a wrong password and an unknown name get the same answer", async () => {
    const [wrong, unknown] = [
      await rig.visitor().login("admin", "guess"),
      await rig.visitor().login("nobody", "guess"),
    ];
    assert.deepEqual([wrong.status, wrong.json], [401, unknown.json]);
  });

  test("each role may do what it is for and no more", async () => {
    const allowed: Record<string, number[]> = {};
    for (const role of ["viewer", "operator", "admin"] as const) {
      const visitor = await rig.as(role);
      allowed[role] = [
        (await visitor.call("POST", "/api/queue/search", {})).status,
        (await visitor.call("POST", "/api/queue/change", change)).status,
        (await visitor.call("PUT", "/api/suspensions/x", {})).status,
        (await visitor.call("GET", "/api/config")).status,
        (await visitor.call("GET", "/api/audit")).status,
      ];
    }
    assert.deepEqual(allowed, {
      viewer: [200, 403, 403, 403, 403],
      operator: [200, 200, 200, 200, 403],
      admin: [200, 200, 200, 200, 200],
    });
  });

  test("a flood of log-ins is held back, also for the right password", async () => {
    const statuses = new Set<number>();
    for (let i = 0; i < 12; i++) statuses.add((await rig.visitor().login("admin", `guess ${i}`)).status);
    assert.deepEqual([...statuses], [401, 429]);
    assert.equal((await rig.visitor().login("admin", PASSWORD)).status, 429);
  });

  test("a session ends with its user's password and cannot be forged", async () => {
    const visitor = await rig.as("admin");
    const { cookie } = visitor;
    const [name = "", value = ""] = cookie.split("=");
    const ticket = JSON.parse(
      Buffer.from(decodeURIComponent(value).split(".")[0] ?? "", "base64url").toString(),
    );
    const other = Buffer.from(JSON.stringify({ ...ticket, user: "viewer" })).toString("base64url");
    visitor.cookie = `${name}=${other}.${decodeURIComponent(value).split(".")[1]}`;
    assert.equal((await visitor.call("GET", "/api/session")).status, 401);
    visitor.cookie = cookie;
    assert.equal((await visitor.call("GET", "/api/session")).status, 200);
    const users = [{ name: "admin", role: "admin", password: await hashPassword("another one") }];
    writeFileSync(join(rig.folder, "users.yaml"), JSON.stringify({ users }));
    assert.equal((await visitor.call("GET", "/api/session")).status, 401);
  });
});

describe("what a stranger may try", () => {
  test("a change without the page's token, with another's, or from another site does nothing", async () => {
    const [operator, viewer] = [await rig.as("operator"), await rig.as("viewer")];
    const ask = async (headers: Record<string, string>): Promise<number> =>
      (await operator.call("POST", "/api/queue/change", change, headers)).status;
    assert.equal(await ask({ "x-csrf-token": "" }), 403);
    assert.equal(await ask({ "x-csrf-token": viewer.csrf }), 403);
    assert.equal(await ask({ "sec-fetch-site": "cross-site" }), 403);
    assert.equal(await ask({ origin: "https://evil.example" }), 403);
    assert.equal(await ask({ origin: rig.url, "sec-fetch-site": "same-origin" }), 200);
  });

  test("a form of another site cannot log somebody in or send a body", async () => {
    const headers = { "sec-fetch-site": "cross-site" };
    const login = { user: "admin", password: PASSWORD };
    assert.equal((await rig.visitor().call("POST", "/api/login", login, headers)).status, 403);
    const form = { "content-type": "text/plain" };
    assert.equal((await rig.visitor().call("POST", "/api/login", login, form)).status, 415);
  });

  test("headers of a proxy from somewhere else mean nothing", async () => {
    const spoofed = rig.visitor({ "x-forwarded-user": "root", "x-forwarded-groups": "chiefs" });
    assert.equal((await spoofed.call("GET", "/api/session")).status, 401);
    const further = { "x-forwarded-for": "192.0.2.7" };
    assert.equal((await spoofed.call("GET", "/api/session", undefined, further)).status, 401);
  });

  test("no path leads out of the pages or through to another one of the engine", async () => {
    const raw = (path: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect(Number(new URL(rig.url).port), "127.0.0.1");
        let text = "";
        socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
        socket.once("close", () => resolve(text));
        socket.once("error", reject);
        socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      });
    for (const path of [
      "/../../etc/passwd",
      "/%2e%2e/%2e%2e/etc/passwd",
      "/assets/..%2f..%2fetc/passwd",
      "/.secret",
    ]) {
      const text = await raw(path);
      assert.match(text, /^HTTP\/1\.1 40[034]/, path);
      assert.doesNotMatch(text, /root:|hidden/);
    }
    const viewer = await rig.as("viewer");
    for (const id of ["..%2fstatus", "..", "%2e%2e%2fconfig", "x%00y"]) {
      const { status } = await viewer.call("GET", `/api/engines/one/messages/${id}`);
      assert.ok(status === 404 || status === 400, `${id} ${status}`);
    }
    const operator = await rig.as("operator");
    assert.equal((await operator.call("DELETE", "/api/policies/..%2fshares")).status, 200);
  });

  test("pages come with a policy that runs no code but ours and lets nobody frame them", async () => {
    const { headers } = await rig.visitor().call("GET", "/");
    const policy = headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe/);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
  });
});

test("every action and every refusal of one is written down, with who and from where", async () => {
  const viewer = await rig.as("viewer");
  await viewer.call("POST", "/api/queue/change", change);
  const admin = await rig.as("admin");
  await admin.call("PUT", "/api/suspensions/later", { if: { recipientdomain: "a.test" }, ttl: 60 });
  await rig.visitor().login("admin", "guess");
  const { json } = await admin.call<{ entries: Record<string, unknown>[] }>("GET", "/api/audit");
  const lines = json.entries.map(
    ({ user, action, status }) => `${String(user)} ${String(action)} ${String(status)}`,
  );
  assert.deepEqual(lines.slice(0, 4), [
    " login 401",
    "admin suspension.put 200",
    " login 200",
    "viewer queue.change 403",
  ]);
  assert.match(String(json.entries[1]?.["detail"]), /a\.test/);
  const file = readFileSync(join(rig.folder, "audit.jsonl"), "utf8");
  assert.equal(file.trim().split("\n").length, 5);
  assert.doesNotMatch(file, new RegExp(PASSWORD));
});

test("behind a trusted proxy its user counts, with the highest role of the groups", async () => {
  const proxied = await startRig({
    engines: { hosts: [{ name: "one", url: engine.adminUrl }] },
    token: engine.token,
    further: { proxy: { trusted: ["127.0.0.1"], roles: { staff: "viewer", chiefs: "admin" } } },
  });
  const visitor = proxied.visitor({ "x-forwarded-user": "ada", "x-forwarded-groups": "staff,chiefs" });
  const { json } = await visitor.call<{ user: string; role: string; csrf: string }>("GET", "/api/session");
  assert.deepEqual([json.user, json.role], ["ada", "admin"]);
  assert.equal((await visitor.call("POST", "/api/queue/change", change)).status, 403);
  visitor.csrf = json.csrf;
  assert.equal((await visitor.call("POST", "/api/queue/change", change)).status, 200);
  const stranger = proxied.visitor({ "x-forwarded-user": "eve", "x-forwarded-groups": "constructor" });
  assert.equal((await stranger.call("GET", "/api/session")).status, 401);
  await proxied.stop();
});

test("a password in a file of its own opens the door, and another one in its place closes it", async () => {
  const file = join(rig.folder, "password");
  writeFileSync(file, "from a secret\n");
  const users = (mark: string): string =>
    JSON.stringify({ users: [{ name: "admin", role: "admin", passwordfile: file }] }) + mark;
  writeFileSync(join(rig.folder, "users.yaml"), users(""));
  const visitor = rig.visitor();
  assert.equal((await visitor.login("admin", "from a secret")).status, 200);
  writeFileSync(file, "another one");
  writeFileSync(join(rig.folder, "users.yaml"), users("\n"));
  assert.equal((await visitor.call("GET", "/api/session")).status, 401);
  assert.equal((await rig.visitor().login("admin", "another one")).status, 200);
});

test("a session ends with its lifetime, and its cookie is then worth nothing", async () => {
  const clock = new ManualClock();
  const timed = await startRig({
    engines: { hosts: [{ name: "one", url: engine.adminUrl }] },
    token: engine.token,
    clock,
  });
  const visitor = await timed.as("admin");
  clock.advance(8 * 3_600_000);
  assert.equal((await visitor.call("GET", "/api/session")).status, 200);
  clock.advance(1);
  assert.equal((await visitor.call("GET", "/api/session")).status, 401);
  assert.equal((await visitor.call("POST", "/api/queue/change", change)).status, 401);
  await timed.stop();
});
