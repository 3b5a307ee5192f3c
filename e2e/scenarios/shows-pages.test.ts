import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { type WebDoor, openWeb } from "../demo/show-web.ts";
import { Stage, eventually } from "./stage.ts";

interface Overview {
  readonly engines: readonly {
    readonly name: string;
    readonly status: { readonly queue: { readonly total: number } };
  }[];
  readonly failures: readonly { readonly engine: string; readonly reason: string }[];
}

describe("the web administration of a cluster", { timeout: 300_000 }, () => {
  let stage: Stage;
  let door: WebDoor;
  let session: Readonly<Record<string, string>> = {};

  before(async () => {
    stage = await Stage.open("pages");
    // Nobody listens there: all mail waits.
    const server = `${stage.lab.cluster.nodeAddress}:1`;
    await stage.applyCluster("outbound", {
      replicas: 2,
      config: { app: stage.app({ connection: { server } }) },
    });
    await stage.ready("outbound", 2);
    await stage.send("outbound", 100, "user@waiting.test");
    door = await openWeb(stage.lab, { namespace: stage.namespace, name: "outbound" });
  });
  after(() => stage?.close());

  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${door.url}/api${path}`, {
      method,
      headers: { ...session, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    assert.equal(response.status, 200, await response.clone().text());
    const cookie = response.headers.get("set-cookie")?.split(";")[0];
    const json = (await response.json()) as T & { csrf?: string };
    if (cookie !== undefined) session = { cookie, "x-csrf-token": json.csrf ?? "" };
    return json;
  }

  const overview = (): Promise<Overview> => call("GET", "/overview");

  test("opens with the password of its Secret and shows the pods by their names with their queues", async () => {
    await call("POST", "/login", { user: door.user, password: door.password });
    const { engines, failures } = await overview();
    assert.deepEqual(
      engines.map(({ name }) => name),
      ["outbound-0", "outbound-1"],
    );
    assert.deepEqual(failures, []);
    const page = await fetch(`${door.url}/`);
    assert.match(await page.text(), /<div id="app">/);
  });

  test("holds what a filter means in all pods", async () => {
    const filter = { recipientDomain: "waiting.test" };
    const result = await call<{ matched: number; engines: object[] }>("POST", "/queue/change", {
      action: "hold",
      filter,
    });
    assert.equal(result.matched, 100);
    assert.equal(result.engines.length, 2);
    const held = await call<{ matched: number }>("POST", "/queue/search", { filter: { status: "hold" } });
    assert.ok(held.matched > 0);
  });

  test("shows a pod that is gone as such within five seconds, and again when it is back", async () => {
    await stage.kubectl("delete", "pod", "outbound-1", "--grace-period=0", "--force");
    const isNamed = ({ failures }: Overview): boolean =>
      failures.some(({ engine }) => engine === "outbound-1");
    await eventually(overview, isNamed, 5);
    await eventually(overview, ({ engines, failures }) => engines.length === 2 && failures.length === 0, 90);
    await call("POST", "/queue/change", { action: "delete", filter: { recipientDomain: "waiting.test" } });
    stage.account.gaveUp("waiting.test");
  });

  test("its pods may not ask Kubernetes for anything", async () => {
    const account = `system:serviceaccount:${stage.namespace}:outbound-web`;
    const rights = await stage.kubectl("auth", "can-i", "get", "secrets", `--as=${account}`).catch(String);
    assert.match(rights, /no/);
    const token = "{.items[*].spec.automountServiceAccountToken}";
    const pods = await stage.kubectl(
      "get",
      "pods",
      "-l",
      "app.kubernetes.io/name=mailfleet-web",
      "-o",
      `jsonpath=${token}`,
    );
    assert.equal(pods, "false");
  });
});
