/** The pages without a mouse: all that can be used is reached by Tab, shows that it is, and does what it is for. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createTransport } from "nodemailer";
import type { Page } from "playwright-core";

import { type Engine, startEngine } from "../testing/harness.ts";
import { until } from "../testing/until.ts";
import { type Reader, type Tab, hasBrowser, openReader, openTab } from "./testing/browser.ts";
import { type MailClusterDoor, startMailClusterDoor } from "./testing/mail-cluster-door.ts";
import { PASSWORD, type WebRig, startRig } from "./testing/rig.ts";
import { show, views } from "./testing/steps.ts";

describe("the pages by keyboard", { skip: hasBrowser ? false : "there is no chromium" }, () => {
  let reader: Reader;
  let engine: Engine;
  let door: MailClusterDoor;
  let rig: WebRig;
  let tab: Tab;
  let page: Page;
  before(async () => {
    reader = await openReader();
    engine = await startEngine({ server: "127.0.0.1:1" });
    door = await startMailClusterDoor();
    const hosts = [{ name: "outbound-0", url: engine.adminUrl }];
    rig = await startRig({
      engines: { hosts },
      token: engine.token,
      pages: reader.pages,
      cluster: door.place,
    });
    const client = createTransport({ host: "127.0.0.1", port: engine.smtpPort, ignoreTLS: true });
    for (const name of ["ada", "grace", "edsger"])
      await client.sendMail({ from: "a@from.test", to: `${name}@to.test`, subject: "s", text: "t" });
    client.close();
    const viewer = await rig.as("viewer");
    const filter = { status: "deferred" };
    await until(
      async () =>
        (await viewer.call<{ matched: number }>("POST", "/api/queue/search", { filter })).json.matched,
      (matched) => matched === 3,
    );
    tab = await openTab(reader.browser, { url: rig.url });
    page = tab.page;
  });
  after(async () => {
    await reader?.close();
    await rig?.stop();
    door?.stop();
    await engine?.stop();
  });

  /** Presses Tab until `text` (its label or what it says) has the focus. */
  async function tabTo(text: string): Promise<void> {
    for (let n = 0; n < 120; n++) {
      await page.keyboard.press("Tab");
      if ((await focused()) === text) return;
    }
    assert.fail(`Tab does not come to ${text}`);
  }

  /** How a screen reader would name what has the focus, near enough. */
  const focused = (): Promise<string> =>
    page.evaluate<string>(`(() => {
      const at = document.activeElement;
      return (at.getAttribute("aria-label") ?? at.closest("label")?.querySelector("span")?.textContent ?? at.textContent ?? "").trim();
    })()`);

  test("one logs in, skips the menu, and goes to a page", async () => {
    await page.goto("/");
    await page.waitForSelector("input[name=user]");
    await tabTo("Name");
    await page.keyboard.type("admin");
    await tabTo("Password");
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    assert.equal(await page.title(), "Overview – Mailfleet");
    await tabTo("To the content");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate("document.activeElement.id"), "content");
    await page.keyboard.press("Shift+Tab");
    await tabTo("To the content");
    await tabTo("Queue");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Queue" }).waitFor();
    assert.equal(await page.title(), "Queue – Mailfleet");
  });

  test("a row is chosen and held; the question keeps the focus and gives it back", async () => {
    await page.getByRole("link", { name: "grace@to.test" }).waitFor();
    const row = page.getByRole("row").filter({ hasText: "grace@to.test" });
    const label = (await row.getByRole("checkbox").getAttribute("aria-label")) ?? "";
    await tabTo(label);
    await page.keyboard.press("Space");
    await page.getByText("1 selected").waitFor();
    for (let n = 0; n < 40 && (await focused()) !== "Hold"; n++) await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    await page.getByText("Recipients that this concerns: 1").waitFor();
    const isInside = (): Promise<boolean> =>
      page.evaluate<boolean>(
        "document.activeElement.closest('dialog') !== null || document.activeElement === document.body",
      );
    for (let n = 0; n < 6; n++) {
      await page.keyboard.press("Tab");
      assert.ok(await isInside(), await focused());
    }
    await tabTo("Hold (1)");
    await page.keyboard.press("Enter");
    await page.getByText("Changed 1 of 1").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.equal(await focused(), "Hold");
    await row.getByText("held").waitFor();
  });

  for (const view of views)
    test(`${view}: whatever can be used is reached by Tab and shows it`, async () => {
      await show(page, view);
      await page.evaluate("document.activeElement.blur()");
      const wanted = await page.evaluate<number>(`(() => {
        const all = document.querySelectorAll("a[href], button, input, select, textarea, [tabindex='0']");
        window.wanted = [...all].filter((each) => !each.disabled && each.getClientRects().length > 0);
        return window.wanted.length;
      })()`);
      const hidden = new Set<string>();
      // A few more than there were: some come a moment later.
      for (let n = 0; n < wanted + 20; n++) {
        await page.keyboard.press("Tab");
        const shows = await page.evaluate<boolean>(`(() => {
          const at = document.activeElement;
          window.wanted = window.wanted.filter((each) => each !== at);
          const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(at);
          return at === document.body || (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
        })()`);
        if (!shows) hidden.add(await focused());
      }
      const missed = await page.evaluate<string[]>(
        "window.wanted.filter((each) => each.isConnected).map((each) => each.outerHTML.slice(0, 100))",
      );
      assert.deepEqual([missed, [...hidden]], [[], []]);
      assert.ok(wanted > 10);
    });
});
