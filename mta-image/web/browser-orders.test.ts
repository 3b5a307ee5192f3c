import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createTransport } from "nodemailer";
import type { Page } from "playwright-core";

import type { EngineStatus } from "#contract/admin-api.ts";

import { type Engine, startEngine } from "../testing/harness.ts";
import { MailSink } from "../testing/mail-sink.ts";
import { until } from "../testing/until.ts";
import { type Reader, type Tab, hasBrowser, openReader, openTab } from "./testing/browser.ts";
import { type MailClusterDoor, startMailClusterDoor } from "./testing/mail-cluster-door.ts";
import { type WebRig, startRig } from "./testing/rig.ts";
import { logIn, picture, show } from "./testing/steps.ts";

describe("what the pages order and offer", { skip: hasBrowser ? false : "there is no chromium" }, () => {
  let reader: Reader;
  let sink: MailSink;
  let engine: Engine;
  let door: MailClusterDoor;
  let rig: WebRig;
  let tab: Tab;
  let page: Page;

  before(async () => {
    reader = await openReader();
    const scripting = { hooks: { mailfrom: [{ id: "strict", data: `Accept();\n` }] } };
    const policy = join(reader.pages, "policy.yaml");
    const schedule = [1, 3, 5].map((day) => ({ day, messages: day * 100 }));
    const ips = [{ ip: "127.0.0.1", class: "new", added: new Date().toISOString().slice(0, 10) }];
    writeFileSync(policy, JSON.stringify({ warmup: { schedules: [{ class: "new", schedule }], ips } }));
    sink = await MailSink.start();
    engine = await startEngine({
      server: `127.0.0.1:${sink.port}`,
      app: { scripting },
      group: { connection: { server: `127.0.0.1:${sink.port}`, sourceip: { ipv4: ["127.0.0.1"] } } },
      startup: { environment: { policyconf: policy } },
    });
    door = await startMailClusterDoor();
    rig = await startRig({
      engines: { hosts: [{ name: "outbound-0", url: engine.adminUrl }] },
      token: engine.token,
      pages: reader.pages,
      further: { title: "Outbound" },
      cluster: door.place,
    });
    tab = await openTab(reader.browser, { url: rig.url });
    page = tab.page;
    await logIn(page, "admin");
  });
  after(async () => {
    await reader?.close();
    await rig?.stop();
    door?.stop();
    await engine?.stop();
    await sink?.stop();
  });

  test("a roll-out is paused, resumed and promoted, each with what it does said first", async () => {
    await show(page, "rollout");
    await page.getByRole("button", { name: "Pause", exact: true }).click();
    await page.getByText("The roll-out of 9f8e7d stays where it is").waitFor();
    await page.getByText("MailCluster mail/outbound: mailfleet.io/rollout=pause.").waitFor();
    assert.deepEqual(await tab.audit(), []);
    await picture(page, "rollout-order");
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Pause", exact: true }).click();
    await dialog.getByText("Taken: mailfleet.io/rollout=pause.").waitFor();
    assert.deepEqual(door.annotations(), { "mailfleet.io/rollout": "pause" });
    await dialog.getByRole("button", { name: "Close" }).click();
    await page.getByText("Paused: it stays where it is until you resume it.").waitFor();
    assert.equal(await page.getByRole("button", { name: "Pause", exact: true }).isDisabled(), true);
    await page.getByRole("button", { name: "Resume" }).click();
    await dialog.getByRole("button", { name: "Resume" }).click();
    await dialog.getByText("Taken: mailfleet.io/rollout-.").waitFor();
    assert.deepEqual(door.annotations(), {});
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Roll back" }).click();
    await page.getByText("All engines go back to 1a2b3c.").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Promote" }).click();
    await dialog.getByRole("button", { name: "Promote" }).click();
    await dialog.getByText("Taken: mailfleet.io/rollout=promote.").waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("Ordered: promote.").waitFor();
  });

  test("a roll-out that has changed since it was looked at takes no order and says so", async () => {
    await show(page, "rollout");
    await page.getByRole("button", { name: "Roll back" }).click();
    await page.route("**/api/rollout", (route) => route.abort());
    door.touch();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Roll back" }).click();
    await dialog.getByText("the MailCluster has changed meanwhile").waitFor();
    assert.deepEqual(door.annotations(), { "mailfleet.io/rollout": "promote" });
    await page.unroute("**/api/rollout");
    await page.keyboard.press("Escape");
  });

  test("a change is checked while one types, and given back as patch and manifest; nothing is written", async () => {
    await show(page, "config");
    await page.selectOption("select[name=file]", "mailfrom/strict");
    await page.getByText("Accept();").waitFor();
    await page.getByRole("button", { name: "Propose a change" }).click();
    const text = page.getByRole("textbox", { name: "Proposed text of mailfrom/strict" });
    await text.fill(`if ($arguments) {\n  Rejekt();\n}\n`);
    await page.getByText("mailfrom/strict:2:3: there is no function Rejekt").waitFor();
    assert.deepEqual(await tab.audit(), []);
    await picture(page, "config-mistake");
    await text.fill(`Reject("not today");\n`);
    await page.getByText("An engine would take this.").waitFor();
    const patch = page.getByRole("region", { name: "As a patch of the texts" }).locator("pre");
    assert.match((await patch.textContent()) ?? "", /--- a\/mailfrom\/strict[\s\S]*-Accept\(\);\n\+Reject/);
    const manifest = page.getByRole("region", { name: "For the MailCluster" }).locator("pre");
    assert.match((await manifest.textContent()) ?? "", /^spec:\n {2}config:\n {4}app:\n {6}scripting:/);
    assert.deepEqual(await tab.audit(), []);
    await picture(page, "config-proposal");
    await page.selectOption("select[name=file]", "smtpd-policy.yaml");
    await page.getByRole("textbox").fill("rate: [");
    await page.getByText("is not YAML").waitFor();
    await page.getByRole("button", { name: "Leave it" }).click();
    await page.selectOption("select[name=file]", "mailfrom/strict");
    await page.getByText("Accept();").waitFor();
    assert.equal((await engine.admin("GET", "/v1/status")).status, 200);
    assert.deepEqual(tab.complaints, []);
  });

  test("warming up shows the plan of each address against what was sent from it", async () => {
    // As the operator does it: until then an engine of a cluster uses nothing of what the cluster shares.
    await engine.admin("PUT", "/v1/shares", { shares: { n: 1, of: 1 } });
    const client = createTransport({ host: "127.0.0.1", port: engine.smtpPort, ignoreTLS: true });
    await client.sendMail({ from: "a@from.test", to: "b@to.test", subject: "s", text: "t" });
    client.close();
    // The engine counts it a moment later than the sink has it.
    await until(
      async () => ((await engine.admin("GET", "/v1/status")).json as EngineStatus).totals.delivered,
      (count) => count === 1,
    );
    await show(page, "warm-up");
    const row = page.getByRole("row").filter({ has: page.getByRole("button", { name: "Show 127.0.0.1" }) });
    await row.getByRole("meter").waitFor();
    assert.deepEqual(await row.getByRole("cell").allTextContents(), [
      "127.0.0.1",
      "new",
      "1",
      "100",
      " 1",
      "1",
    ]);
    await page
      .getByRole("img", { name: "127.0.0.1: recipients a day: Plan 100, tried 1, delivered 1" })
      .waitFor();
    assert.deepEqual(await tab.audit(), []);
    await picture(page, "warm-up-days");
  });

  test("a viewer sees the roll-out and no order, an operator may hold it", async () => {
    for (const [user, orders] of [
      ["viewer", []],
      ["operator", ["Pause", "Resume"]],
    ] as const) {
      const own = await openTab(reader.browser, { url: rig.url });
      await logIn(own.page, user);
      await show(own.page, "rollout");
      await own.page.getByText("slot 0: watched for 120 s").waitFor();
      assert.deepEqual(await own.page.locator(".orders button").allTextContents(), orders);
      assert.deepEqual(await own.audit(), []);
      assert.deepEqual(own.complaints, []);
      await own.close();
    }
  });
});
