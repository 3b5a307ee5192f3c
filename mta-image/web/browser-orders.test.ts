import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";

import { buildPages } from "../../tools/web.ts";
import { type Engine, startEngine } from "../testing/harness.ts";
import { type Tab, hasBrowser, openBrowser, openTab } from "./testing/browser.ts";
import { type MailClusterDoor, startMailClusterDoor } from "./testing/mail-cluster-door.ts";
import { type WebRig, startRig } from "./testing/rig.ts";
import { logIn, picture, show } from "./testing/steps.ts";

describe("what the pages order and offer", { skip: hasBrowser ? false : "there is no chromium" }, () => {
  let browser: Browser;
  let engine: Engine;
  let door: MailClusterDoor;
  let rig: WebRig;
  let tab: Tab;
  let page: Page;
  const pages = mkdtempSync(join(tmpdir(), "pages-"));

  before(async () => {
    await buildPages(pages);
    browser = await openBrowser();
    engine = await startEngine({ server: "127.0.0.1:1" });
    door = await startMailClusterDoor();
    rig = await startRig({
      engines: { hosts: [{ name: "outbound-0", url: engine.adminUrl }] },
      token: engine.token,
      pages,
      further: { title: "Outbound" },
      cluster: door.place,
    });
    tab = await openTab(browser, { url: rig.url });
    page = tab.page;
    await logIn(page, "admin");
  });
  after(async () => {
    await browser?.close();
    await rig?.stop();
    door?.stop();
    await engine?.stop();
    rmSync(pages, { recursive: true, force: true });
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

  test("a viewer sees the roll-out and no order, an operator may hold it", async () => {
    for (const [user, orders] of [
      ["viewer", []],
      ["operator", ["Pause", "Resume"]],
    ] as const) {
      const own = await openTab(browser, { url: rig.url });
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
