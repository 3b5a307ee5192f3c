import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser, Locator, Page } from "playwright-core";

import { type Tab, hasBrowser, openBrowser, openTab } from "../../mta-image/web/testing/browser.ts";
import { picture, show, views } from "../../mta-image/web/testing/steps.ts";
import { type WebDoor, openWeb } from "../demo/show-web.ts";
import { killNow, processesOf } from "../soak/node-processes.ts";
import {
  comeAndGo,
  compareRevisions,
  orderMessage,
  orderQueue,
  orderRollout,
  orderRules,
  proposeChange,
  traceSessions,
} from "./shows-pages-orders.ts";
import { Stage, eventually } from "./stage.ts";

interface Overview {
  readonly engines: readonly {
    readonly name: string;
    readonly status: { readonly revision: string; readonly queue: { readonly total: number } };
  }[];
  readonly failures: readonly { readonly engine: string; readonly reason: string }[];
}

describe("the web administration of a cluster", { timeout: 800_000 }, () => {
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
      // A new revision stays in one pod until somebody decides.
      rollout: { canary: { pods: 1, bakeSeconds: 3600, maxFailureRatio: 1 } },
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

  test("shows a pod that is gone as such, and again when it is back", async () => {
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

  test("a changed configuration is looked at in a pod as an engine would", async () => {
    const { revisions } = await call<{ revisions: readonly { readonly revision: string }[] }>(
      "GET",
      "/config",
    );
    const files = { "smtpd-policy.yaml": "policies: [{ default: { rate: 10/60 } }]\nrats: 1\n" };
    const lint = (of: object): Promise<{ problems: readonly { path: string }[]; manifest: string | null }> =>
      call("POST", "/config/lint", { revision: revisions[0]?.revision, files: of });
    assert.deepEqual(
      (await lint(files)).problems.map(({ path }) => path),
      ["rats"],
    );
    const { problems, manifest } = await lint({
      "smtpd-policy.yaml": files["smtpd-policy.yaml"].split("\n")[0],
    });
    assert.deepEqual(problems, []);
    assert.match(manifest ?? "", /^spec:\n {2}config:\n {4}policy:\n {6}policies:/);
  });

  test("orders a roll-out of its own cluster where it may, with the rights of its pods", async () => {
    const spec = { webAdmin: { rolloutOrders: true } };
    await stage.kubectl("patch", "mailcluster", "outbound", "--type=merge", "-p", JSON.stringify({ spec }));
    interface Rollout {
      readonly cluster: { readonly resourceVersion: string; readonly word: string | null } | null;
      readonly failure: { readonly message: string } | null;
    }
    // Another pod, which knows the sessions of the one before.
    const look = (): Promise<Rollout> =>
      call<Rollout>("GET", "/rollout").catch((error: unknown) => ({
        cluster: null,
        failure: { message: String(error) },
      }));
    await eventually(look, ({ cluster }) => cluster !== null, 120);
    await stage.kubectl("rollout", "status", "deployment/outbound-web", "--timeout=120s");
    const order = async (word: string): Promise<string | null | undefined> => {
      for (let tries = 0; ; tries++) {
        const { cluster } = await look();
        const body = { resourceVersion: cluster?.resourceVersion ?? "" };
        // The operator may have written its status in between.
        const taken = await call<Rollout>("POST", `/rollout/${word}`, body).catch((error: unknown) => {
          if (tries === 5) throw error;
        });
        if (taken !== undefined) return taken.cluster?.word;
      }
    };
    assert.equal(await order("pause"), "pause");
    const annotation = "jsonpath={.metadata.annotations.mailfleet\\.io/rollout}";
    assert.equal(await stage.kubectl("get", "mailcluster", "outbound", "-o", annotation), "pause");
    assert.equal(await order("resume"), null);
    assert.equal(await stage.kubectl("get", "mailcluster", "outbound", "-o", annotation), "");
  });

  describe("in a real browser", { skip: hasBrowser ? false : "there is no chromium" }, () => {
    let browser: Browser;
    let tab: Tab;
    let page: Page;
    const traced: string[] = [];
    before(async () => {
      browser = await openBrowser();
      tab = await openTab(browser, { url: door.url ?? "" });
      page = tab.page;
      page.setDefaultTimeout(30_000);
      await page.goto("/");
      await comeAndGo(page, door);
      await page.fill("input[name=user]", door.user);
      await page.fill("input[name=password]", door.password);
      await page.keyboard.press("Enter");
      await page.waitForSelector("nav");
    });
    after(async () => {
      await browser?.close();
      // Notices of what came back are among them.
      await call("POST", "/queue/change", { action: "delete", filter: {} });
      for (const domain of ["waiting.test", ...traced]) stage.account.gaveUp(domain);
    });

    test("a pod that dies shows as such, and again when it is back", async () => {
      const state = (text: string): Locator =>
        page.getByRole("row").filter({ hasText: "outbound-1" }).getByText(text, { exact: true });
      await show(page, "overview");
      await state("Serving").waitFor();
      const [engine] = await processesOf("engine", "outbound-1");
      assert.ok(engine);
      // First it stands still, its sockets open, since one that is killed may be back before anybody looks.
      process.kill(engine.pid, "SIGSTOP");
      await state("does not answer")
        .waitFor({ timeout: 60_000 })
        .finally(() => killNow(engine));
      await state("Serving").waitFor({ timeout: 240_000 });
      await stage.ready("outbound", 2);
    });

    test("a message is looked at and told, and so is a queue: hold, release, retry, move, bounce and delete", async () => {
      await stage.send("outbound", 20, "user@waiting.test");
      await orderMessage(page, "waiting.test");
      await orderQueue(page, "waiting.test");
    });

    test("policies and suspensions come and go in all pods", () => orderRules(page, 2));

    test("a session is traced while mail comes", () =>
      traceSessions(page, () => {
        const domain = `traced-${traced.length}.test`;
        traced.push(domain);
        return stage.send("outbound", 1, `user@${domain}`);
      }));

    test("a changed configuration is thought through, and nothing is written", async () => {
      const { metadata } = await stage.view("outbound");
      await proposeChange(page);
      assert.equal((await stage.view("outbound")).metadata.generation, metadata.generation);
    });

    test("a roll-out is paused, resumed and promoted, and another one rolled back", async () => {
      const change = async (rate: string): Promise<void> => {
        const policy = { policies: [{ default: { rate } }] };
        const patch = JSON.stringify({ spec: { config: { policy } } });
        await stage.kubectl("patch", "mailcluster", "outbound", "--type=merge", "-p", patch);
        const of = ({ engines }: Overview): Set<string> =>
          new Set(engines.map(({ status }) => status.revision));
        await eventually(overview, (seen) => of(seen).size === 2, 60);
      };
      await change("100/1");
      await compareRevisions(page);
      await orderRollout(page, "Pause", "mailfleet.io/rollout=pause");
      await orderRollout(page, "Resume", "mailfleet.io/rollout-");
      await orderRollout(page, "Promote", "mailfleet.io/rollout=promote");
      const { status } = await stage.rolledOut("outbound");
      // The order is taken off a little later; until then it would promote the next change too.
      await stage.until(
        "outbound",
        ({ metadata }) => metadata.annotations?.["mailfleet.io/rollout"] === undefined,
      );
      await change("200/1");
      await orderRollout(page, "Roll back", "mailfleet.io/rollout=rollback");
      await stage.until("outbound", ({ status: { pods } }) =>
        pods.every(({ revision }) => revision === status.revision.target),
      );
    });

    test("every page shows the cluster, for everybody to see", async () => {
      for (const view of views) {
        await show(page, view);
        assert.deepEqual(await tab.audit(), [], view);
        await picture(page, `cluster-${view}`);
      }
      await page.getByRole("row").filter({ hasText: "rollout.promote" }).first().waitFor();
      assert.deepEqual(tab.complaints, []);
    });
  });
});
