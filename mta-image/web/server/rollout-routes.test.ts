import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type IncomingMessage, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";

import { type AuditList, type Role, type RolloutView, roles } from "#web/shared/web-api.ts";
import { type Answer, type WebRig, type WebVisitor, startRig } from "../testing/rig.ts";
import { clusterOf } from "./mail-cluster.ts";

const engines = { hosts: [{ name: "none", url: "http://127.0.0.1:1" }] };

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly type: string;
  readonly token: string;
  readonly body: string;
}

/** What the API server says; null: nothing, ever. */
let answers: { readonly status: number; readonly body: unknown } | null;
const seen: Seen[] = [];
const object = {
  kind: "MailCluster",
  metadata: {
    name: "out",
    resourceVersion: "7",
    annotations: { "mailfleet.io/rollout": "pause", other: "x" },
  },
  status: {
    revision: { target: "b", lastGood: "a" },
    rollout: {
      phase: "Canary",
      revision: "b",
      since: "2026-01-01T00:00:00Z",
      canary: [0],
      message: "slot 0",
    },
  },
};

const server = createServer((request, response) => {
  void remember(request).then(() => {
    if (answers === null) return;
    response.writeHead(answers.status, { "content-type": "application/json" });
    response.end(typeof answers.body === "string" ? answers.body : JSON.stringify(answers.body));
  });
});

async function remember(request: IncomingMessage): Promise<void> {
  const { method = "", url = "", headers } = request;
  const type = headers["content-type"] ?? "";
  seen.push({ method, url, type, token: headers.authorization ?? "", body: await text(request) });
}

describe("the roll-out of a MailCluster", () => {
  const folder = mkdtempSync(join(tmpdir(), "account-"));
  const visitors = new Map<Role, WebVisitor>();
  let rig: WebRig;
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    writeFileSync(join(folder, "token"), "first\n");
    writeFileSync(join(folder, "ca.crt"), "");
    const cluster = {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      name: "out",
      namespace: "mail",
      tokenfile: join(folder, "token"),
      ca: join(folder, "ca.crt"),
    };
    rig = await startRig({ engines, cluster });
    for (const role of roles) visitors.set(role, await rig.as(role));
  });
  after(async () => {
    await rig.stop();
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  type Said = Answer<RolloutView & { readonly code: string; readonly message: string }>;
  const visitor = (role: Role): WebVisitor => visitors.get(role) as WebVisitor;
  const order = (word: string, as: Role = "admin"): Promise<Said> =>
    visitor(as).call("POST", `/api/rollout/${word}`, { resourceVersion: "7" });

  test("is shown with the word that stands there", async () => {
    answers = { status: 200, body: object };
    const { json } = await visitor("viewer").call<RolloutView>("GET", "/api/rollout");
    assert.equal(json.failure, null);
    assert.deepEqual(json.cluster, {
      name: "out",
      namespace: "mail",
      resourceVersion: "7",
      word: "pause",
      isPaused: false,
      target: "b",
      lastGood: "a",
      phase: "Canary",
      since: "2026-01-01T00:00:00Z",
      message: "slot 0",
    });
  });

  test("is ordered by one annotation of the object that was seen, with the token of the moment", async () => {
    answers = { status: 200, body: object };
    const words = { pause: "pause", resume: null, promote: "promote", rollback: "rollback" };
    for (const [name, word] of Object.entries(words)) {
      writeFileSync(join(folder, "token"), `of ${name}\n`);
      assert.equal((await order(name)).status, 200);
      const { method, url, type, token, body } = seen.at(-1) as Seen;
      assert.equal(`${method} ${url}`, "PATCH /apis/mailfleet.io/v1alpha1/namespaces/mail/mailclusters/out");
      assert.deepEqual([type, token], ["application/merge-patch+json", `Bearer of ${name}`]);
      const annotations = { "mailfleet.io/rollout": word };
      assert.deepEqual(JSON.parse(body), { metadata: { resourceVersion: "7", annotations } });
    }
  });

  test("is held by operators, ended by admins, and only looked at by viewers", async () => {
    answers = { status: 200, body: object };
    const statuses = async (as: Role): Promise<number[]> => [
      (await order("pause", as)).status,
      (await order("resume", as)).status,
      (await order("promote", as)).status,
      (await order("rollback", as)).status,
    ];
    const before = seen.length;
    assert.deepEqual(await statuses("viewer"), [403, 403, 403, 403]);
    assert.deepEqual(await statuses("operator"), [200, 200, 403, 403]);
    assert.equal(seen.length, before + 2);
    assert.equal((await order("explode")).status, 404);
  });

  test("a refusal of Kubernetes, a change meanwhile, rubbish and silence are sentences, and written down", async () => {
    const refusal = (code: number, message: string): unknown => ({ kind: "Status", code, message });
    answers = { status: 422, body: refusal(422, "not the spec") };
    const refused = await order("promote");
    assert.deepEqual([refused.status, refused.json.message], [422, "Kubernetes refuses it: not the spec"]);
    answers = { status: 403, body: refusal(403, "cannot patch") };
    assert.match((await order("pause")).json.message, /Kubernetes refuses it: cannot patch/);
    answers = { status: 409, body: refusal(409, "the object has been modified") };
    const late = await order("pause");
    assert.deepEqual([late.status, late.json.code], [409, "changed"]);
    answers = { status: 200, body: "<html>" };
    const rubbish = await order("pause");
    assert.deepEqual([rubbish.status, rubbish.json.code], [502, "kubernetes-silent"]);
    assert.match(rubbish.json.message, /no JSON; the order may have been taken or not/);
    answers = { status: 200, body: { metadata: {} } };
    assert.match((await order("pause")).json.message, /another shape/);
    answers = { status: 500, body: refusal(500, "x".repeat(100_000)) };
    assert.match((await order("pause")).json.message, /it answered 500/);
    const { json } = await visitor("admin").call<AuditList>("GET", "/api/audit");
    const lines = json.entries.map(({ action, status, result }) => `${action} ${status} ${result}`);
    assert.ok(lines.includes("rollout.promote 422 Kubernetes refuses it: not the spec"), lines.join("\n"));
    assert.ok(lines.some((line) => /^rollout\.promote 200 mail\/out: mailfleet.io\/rollout is /.test(line)));
  });

  test("what cannot be asked is said beside what the engines show", async () => {
    answers = { status: 403, body: { kind: "Status", message: "cannot get" } };
    const { json } = await visitor("viewer").call<RolloutView>("GET", "/api/rollout");
    assert.deepEqual(json, { cluster: null, failure: { code: "kubernetes", message: "cannot get" } });
  });
});

test("outside Kubernetes nothing is ordered, and that is said", async () => {
  const rig = await startRig({ engines });
  const admin = await rig.as("admin");
  const { json } = await admin.call<RolloutView>("GET", "/api/rollout");
  assert.equal(json.failure?.code, "off");
  const order = await admin.call<{ message: string }>("POST", "/api/rollout/promote", {
    resourceVersion: "1",
  });
  assert.equal(order.status, 409);
  assert.match(order.json.message, /does not run in Kubernetes, or webAdmin\.rolloutOrders is off/);
  await rig.stop();
});

test("a MailCluster is known where the operator names it, and not by half", () => {
  const env = {
    MAILFLEET_CLUSTER_NAME: "out",
    MAILFLEET_CLUSTER_NAMESPACE: "mail",
    KUBERNETES_SERVICE_HOST: "fd00::1",
    KUBERNETES_SERVICE_PORT: "6443",
  };
  assert.equal(clusterOf(env)?.url, "https://[fd00::1]:6443");
  assert.equal(clusterOf({ ...env, KUBERNETES_SERVICE_HOST: "10.0.0.1" })?.url, "https://10.0.0.1:6443");
  for (const name of Object.keys(env).slice(0, 3)) assert.equal(clusterOf({ ...env, [name]: "" }), null);
  assert.equal(clusterOf({}), null);
});
