import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import type { SessionView } from "#web/shared/web-api.ts";

import { type OpenIdRig, SECRET, Wanderer } from "../testing/open-id.ts";
import type { WebRig } from "../testing/rig.ts";
import { startBoth } from "../testing/sign-on-rig.ts";
import { nameOf, roleOf } from "./single-sign-on.ts";
import { WebConfig } from "./web-config.ts";

describe("log-in by an OpenID provider", () => {
  let rig: WebRig;
  let provider: OpenIdRig;
  before(async () => {
    ({ rig, provider } = await startBoth());
  });
  after(async () => {
    await rig.stop();
    await provider.stop();
  });

  async function session(wanderer: Wanderer): Promise<{ status: number; view: SessionView }> {
    const response = await fetch(`${rig.url}/api/session`, {
      headers: { cookie: wanderer.cookies(rig.url) },
    });
    return { status: response.status, view: (await response.json()) as SessionView };
  }

  test("a user of a known group comes in with the highest role, and the page is told how", async () => {
    const ways = await rig.visitor().call("GET", "/api/login");
    assert.deepEqual(ways.json, { title: "Mailfleet", password: true, signOn: "Single sign-on" });
    const ada = new Wanderer();
    const back = await ada.signOn(rig.url, "ada");
    const landed = await ada.go(back);
    assert.deepEqual([landed.status, landed.headers.get("location")], [303, "/"]);
    const { status, view } = await session(ada);
    assert.deepEqual([status, view.user, view.role, view.canLogOut], [200, "ada", "operator", true]);
  });

  test("the session's cookie is strict; the one for the way back is not, and is gone afterwards", async () => {
    const ada = new Wanderer();
    const first = await ada.go(`${rig.url}/api/oidc/login`);
    assert.match(first.headers.getSetCookie().join(), /mailfleet_sign_on=.*HttpOnly; SameSite=Lax/);
    const landed = await ada.go(await ada.signOn(rig.url, "ada"));
    const cookies = landed.headers.getSetCookie();
    assert.match(cookies.join(), /mailfleet_session=.*HttpOnly; SameSite=Strict/);
    assert.ok(cookies.some((line) => line.startsWith("mailfleet_sign_on=;")));
  });

  test("somebody without a role, or without a name that can be written down, stays outside", async () => {
    for (const [person, code] of [
      ["bob", "no-role"],
      ["eve", "no-name"],
    ] as const) {
      const wanderer = new Wanderer();
      const landed = await wanderer.go(await wanderer.signOn(rig.url, person));
      assert.equal(landed.headers.get("location"), `/#/login?refused=${code}`);
      assert.equal((await session(wanderer)).status, 401);
    }
  });

  test("an answer is good once, in the browser that asked, with the state that was sent", async () => {
    const ada = new Wanderer();
    const back = await ada.signOn(rig.url, "ada");
    const stranger = new Wanderer();
    const stolen = await stranger.go(back);
    assert.equal(stolen.headers.get("location"), "/#/login?refused=sign-on-expired");
    const other = new URL(back);
    other.searchParams.set("state", "another");
    const forged = new Wanderer();
    await forged.go(`${rig.url}/api/oidc/login`);
    assert.equal((await forged.go(other.href)).headers.get("location"), "/#/login?refused=sign-on-failed");
    assert.equal((await ada.go(back)).headers.get("location"), "/");
    await ada.go(`${rig.url}/api/oidc/login`);
    assert.equal((await ada.go(back)).headers.get("location"), "/#/login?refused=sign-on-failed");
  });

  test("the cookie of a session in place of the one for the way back begins nothing", async () => {
    const { cookie } = await rig.as("viewer");
    const asked = await fetch(`${rig.url}/api/oidc/callback?code=x`, {
      redirect: "manual",
      headers: { cookie: `mailfleet_sign_on=${cookie.slice(cookie.indexOf("=") + 1)}` },
    });
    assert.equal(asked.headers.get("location"), "/#/login?refused=sign-on-expired");
  });

  test("a code that another log-in asked for is refused, since the verifier is another", async () => {
    const [ada, mallory] = [new Wanderer(), new Wanderer()];
    const code = new URL(await mallory.signOn(rig.url, "ada")).searchParams.get("code") ?? "";
    const own = new URL(await ada.signOn(rig.url, "ada"));
    own.searchParams.set("code", code);
    assert.equal((await ada.go(own.href)).headers.get("location"), "/#/login?refused=sign-on-failed");
    assert.equal((await session(ada)).status, 401);
  });

  test("logging out leads to the end of the provider's session", async () => {
    const ada = new Wanderer();
    await ada.go(await ada.signOn(rig.url, "ada"));
    const { view } = await session(ada);
    const response = await fetch(`${rig.url}/api/logout`, {
      method: "POST",
      headers: { cookie: ada.cookies(rig.url), "x-csrf-token": view.csrf },
    });
    const { next } = (await response.json()) as { next: string };
    const url = new URL(next);
    assert.equal(url.origin, provider.issuer);
    assert.equal(url.searchParams.get("post_logout_redirect_uri"), `${rig.url}/`);
    assert.equal((await ada.go(next)).status, 200);
  });

  test("who came in and who did not is in the audit log; secrets are not", async () => {
    const admin = await rig.as("admin");
    const { json } = await admin.call<{ entries: { action: string; detail: string; status: number }[] }>(
      "GET",
      "/api/audit",
    );
    const lines = json.entries.filter(({ action }) => action === "oidc.callback");
    assert.ok(lines.some(({ detail, status }) => status === 200 && detail === "ada as operator"));
    assert.ok(lines.some(({ status }) => status === 403));
    assert.doesNotMatch(JSON.stringify(json), new RegExp(`${SECRET}|code=`));
  });
});

test("claims that stand beside the token are asked for, and a claim may lie inside another", async () => {
  const { rig, provider } = await startBoth(
    { userinfo: true, rolesclaim: "realm.roles", roles: { chiefs: "admin" } },
    { isSlim: true },
  );
  const ada = new Wanderer();
  await ada.go(await ada.signOn(rig.url, "ada"));
  const response = await fetch(`${rig.url}/api/session`, { headers: { cookie: ada.cookies(rig.url) } });
  assert.equal(((await response.json()) as SessionView).role, "admin");
  await rig.stop();
  await provider.stop();
});

test("a provider that is down says so in the page, and passwords work on", async () => {
  const { rig, provider } = await startBoth();
  await provider.stop();
  const response = await new Wanderer().go(`${rig.url}/api/oidc/login`);
  assert.equal(response.headers.get("location"), "/#/login?refused=no-provider");
  assert.equal((await (await rig.as("admin")).call("GET", "/api/session")).status, 200);
  await rig.stop();
});

test("a wrong secret of the client lets nobody in", async () => {
  const folder = mkdtempSync(join(tmpdir(), "oidc-"));
  const wrong = join(folder, "wrong");
  writeFileSync(wrong, "another-secret-that-the-provider-does-not-know");
  const { rig, provider } = await startBoth({ clientsecretfile: wrong });
  const ada = new Wanderer();
  const landed = await ada.go(await ada.signOn(rig.url, "ada"));
  assert.equal(landed.headers.get("location"), "/#/login?refused=sign-on-failed");
  await rig.stop();
  await provider.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("groups become roles by the table alone; an inherited name is no group", () => {
  const table = { rolesclaim: "groups", roles: { a: "viewer", b: "admin" }, defaultrole: undefined } as const;
  assert.equal(roleOf({ groups: ["a", "b"] }, table), "admin");
  assert.equal(roleOf({ groups: "a" }, table), "viewer");
  assert.equal(roleOf({ groups: ["constructor", 7, null] }, table), null);
  assert.equal(roleOf({ groups: [] }, { ...table, defaultrole: "viewer" }), "viewer");
  assert.equal(nameOf({ email: "a@b.test", email_verified: false }, "email"), null);
  assert.equal(nameOf({ email: "a@b.test", email_verified: true }, "email"), "a@b.test");
});

test("plain HTTP to a provider elsewhere is refused with the configuration", () => {
  const config = { engines: { hosts: [{ name: "a", url: "http://a.test" }] }, sessions: { keyfile: "k" } };
  const oidc = { issuer: "http://login.example.test", clientid: "x", url: "https://mail.example.test" };
  const parsed = WebConfig.safeParse({ ...config, oidc });
  assert.match(String(parsed.error), /must be https/);
});
