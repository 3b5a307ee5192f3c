/**
 * Cookies and tokens of pages, as somebody makes them who has none, or one that is old, of another key or for another
 * purpose: none lets anybody in, and none keeps the server from answering the next one.
 */
import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { Agent, request } from "node:http";
import { after, before, test } from "node:test";

import fc from "fast-check";

import { ManualClock } from "#base/testing/manual-clock.ts";
import { wrongSecrets } from "../../testing/wrong-secrets.ts";
import { type WebRig, type WebVisitor, startRig } from "../testing/rig.ts";

const KEY = "k".repeat(40);
const clock = new ManualClock();
const agent = new Agent({ keepAlive: true, maxSockets: 4 });
let rig: WebRig;
let visitor: WebVisitor;
let [name, ticket, seal] = ["", "", ""];

before(async () => {
  rig = await startRig({ engines: { hosts: [{ name: "one", url: "http://127.0.0.1:1" }] }, clock });
  visitor = await rig.as("viewer");
  const at = visitor.cookie.indexOf("=");
  name = visitor.cookie.slice(0, at);
  [ticket = "", seal = ""] = decodeURIComponent(visitor.cookie.slice(at + 1)).split(".");
});
after(async () => {
  agent.destroy();
  await rig.stop();
});

/** Whoever says too much may be cut off, and takes no other's connection along. */
const agentFor = (headers: object): Agent | false =>
  JSON.stringify(headers).length > 10_000 ? false : agent;

/** Headers as they are: what `fetch` would refuse to send is sent. */
function ask(path: string, method: string, headers: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve, reject) => {
    request(`${rig.url}${path}`, { agent: agentFor(headers), method, headers })
      .once("response", (response) => resolve(response.resume().statusCode ?? 0))
      .once("error", (error: NodeJS.ErrnoException) =>
        error.code === "ECONNRESET" ? resolve(431) : reject(error),
      )
      .end();
  });
}

const decoded = (text: string): string => text.replace(/%[0-9a-f]{2}/gi, (code) => code.toUpperCase());
const byCookie = (value: string): Promise<number> =>
  ask("/api/session", "GET", { cookie: `${name}=${value}` });
const sealed = (text: string, key = KEY, algorithm = "sha256"): string =>
  encodeURIComponent(
    `${text}.${createHmac(algorithm, key).update(text).digest("base64").replace(/=+$/, "")}`,
  );
const ticketOf = (fields: object): string => Buffer.from(JSON.stringify(fields)).toString("base64url");

/** Bounded, so that sockets are not what is tested. */
async function allRefused(
  values: readonly string[],
  send: (value: string) => Promise<number>,
  by: number[],
): Promise<void> {
  for (let i = 0; i < values.length; i += 50) {
    const part = values.slice(i, i + 50);
    const answers = await Promise.all(part.map(send));
    for (const [at, status] of answers.entries()) assert.ok(by.includes(status), `${part[at]}: ${status}`);
  }
}

test("the session that was given is the one that this file tells how to make", async () => {
  assert.equal(await byCookie(sealed(ticket)), 200);
  assert.equal(sealed(ticket), encodeURIComponent(`${ticket}.${seal}`));
});

test("a cookie with any bit turned, any end cut off, or anything like it is nobody's", async () => {
  const real = encodeURIComponent(`${ticket}.${seal}`);
  // "%2f" is "%2F".
  const wrong = wrongSecrets(real).filter((text) => decoded(text) !== decoded(real));
  await allRefused(wrong, byCookie, [401]);
  await allRefused(
    [`${ticket}.`, `.${seal}`, ".", "", `${ticket}..${seal}`, `${ticket}.${ticket}.${seal}`],
    byCookie,
    [401],
  );
  assert.equal(await byCookie(sealed(ticket)), 200);
});

test("a cookie sealed by another key, another algorithm or none is nobody's", async () => {
  const plain = createHash("sha256").update(ticket).digest("base64").replace(/=+$/, "");
  const others = ["sha1", "sha384", "sha512", "md5"].map((algorithm) => sealed(ticket, KEY, algorithm));
  const keys = ["", "k", `${KEY}k`, KEY.slice(1), "secret"].map((key) => sealed(ticket, key));
  const none = [ticket, `${ticket}.none`, `${ticket}.${plain}`, `eyJhbGciOiJub25lIn0.${ticket}.`];
  await allRefused(
    [...others, ...keys, ...none].map((value) => value.replaceAll(" ", "")),
    byCookie,
    [401],
  );
});

test("what our key has sealed for another purpose, or of an odd shape, is no session", async () => {
  const now = clock.now();
  const good = JSON.parse(Buffer.from(ticket, "base64url").toString()) as Record<string, unknown>;
  assert.equal(await byCookie(sealed(ticketOf(good))), 200);
  const odd = [
    { state: "s", nonce: "n", verifier: "v", since: now },
    { ...good, state: "s" },
    { ...good, role: "admin" },
    { ...good, role: "admin", stamp: "" },
    { ...good, role: "root" },
    { ...good, user: "constructor" },
    { ...good, user: ["viewer"] },
    { ...good, user: "nobody" },
    { ...good, stamp: "" },
    { ...good, since: null },
    { ...good, since: `${now}` },
    { ...good, since: 1e300 },
    { ...good, since: -1 },
    ...[null, [], 7, "text", {}],
  ].map((each) => ticketOf(each as object));
  const unread = [
    "",
    "%",
    "{",
    Buffer.from("{").toString("base64url"),
    Buffer.alloc(3000, "[").toString("base64url"),
  ];
  await allRefused(
    [...odd, ...unread].map((text) => sealed(text)),
    byCookie,
    [401],
  );
});

test("a session ends with its time, also when the clock was set back behind its beginning", async () => {
  const visitorOf = async (): Promise<number> => (await visitor.call("GET", "/api/session")).status;
  clock.setWall(8 * 3_600_000 + 1);
  assert.equal(await visitorOf(), 401);
  clock.setWall(-8 * 3_600_000 - 60_000);
  assert.equal(await visitorOf(), 200, "servers of one page may differ by minutes");
  clock.setWall(-86_400_000);
  assert.equal(await visitorOf(), 401, "it would outlive its time by a day");
  clock.setWall(86_400_000 + 60_000 - 1);
  assert.equal(await visitorOf(), 200);
});

test("any text is nobody's cookie and nobody's token", async () => {
  const text = fc.string({
    unit: fc
      .integer({ min: 0x20, max: 0xff })
      .filter((c) => c !== 0x7f)
      .map((c) => String.fromCharCode(c)),
    maxLength: 300,
  });
  await fc.assert(
    fc.asyncProperty(text, async (value) => {
      assert.equal(await byCookie(value), 401);
      assert.equal(
        await ask("/api/logout", "POST", { cookie: visitor.cookie, "x-csrf-token": value.trim() }),
        403,
      );
    }),
    { numRuns: 200 },
  );
  // Beyond what a request may have in its header.
  assert.equal(await byCookie("x".repeat(20_000)), 431);
  assert.equal(await byCookie(sealed(ticket)), 200);
});

test("a change needs the page's own token: none that is like it, of another session or of another key will do", async () => {
  const byToken = (token: string): Promise<number> =>
    ask("/api/logout", "POST", { cookie: visitor.cookie, "x-csrf-token": token });
  const other = await rig.as("viewer");
  const made = createHmac("sha256", "another").update("csrf cookie x").digest("base64url");
  await allRefused([...wrongSecrets(visitor.csrf), other.csrf, made, ticket, seal], byToken, [403]);
  assert.equal(await ask("/api/logout", "POST", { cookie: visitor.cookie }), 403);
  assert.equal(await byToken(visitor.csrf), 200);
});
