/** What the pages say when something goes wrong: an engine that dies or hangs, a session that ends, a server that goes. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";

import { ChildEngine } from "../testing/child-engine.ts";
import { type Reader, type Tab, hasBrowser, openReader, openTab } from "./testing/browser.ts";
import { PASSWORD, type WebRig, startRig } from "./testing/rig.ts";
import { logIn, picture, show } from "./testing/steps.ts";

describe("the pages in trouble", { skip: hasBrowser ? false : "there is no chromium" }, () => {
  let reader: Reader;
  const engines: ChildEngine[] = [];
  let rig: WebRig;
  let tab: Tab;
  let page: Page;
  const folder = mkdtempSync(join(tmpdir(), "trouble-"));

  before(async () => {
    reader = await openReader();
    for (const name of ["a", "b"]) {
      mkdirSync(join(folder, name));
      engines.push(await ChildEngine.start({ server: "127.0.0.1:1", folder: join(folder, name) }));
    }
    const hosts = engines.map(({ ports }, n) => ({
      name: `outbound-${n}`,
      url: `http://127.0.0.1:${ports.admin}`,
    }));
    const tokenfile = join(folder, "a", "token");
    rig = await startRig({ engines: { hosts, timeout: "3s", tokenfile }, pages: reader.pages });
    tab = await openTab(reader.browser, { url: rig.url });
    page = tab.page;
    await logIn(page, "admin");
  });
  after(async () => {
    await reader?.close();
    await rig?.stop();
    await Promise.all(engines.map((engine) => engine.end("SIGKILL")));
    rmSync(folder, { recursive: true, force: true });
  });

  const stateOf = (name: string, text: string) =>
    page.getByRole("row").filter({ hasText: name }).getByText(text, { exact: true });

  test("an engine that is killed shows as such on the page that is open, and again as well when it is back", async () => {
    await show(page, "overview");
    await stateOf("outbound-1", "Serving").waitFor();
    await engines[1]?.end("SIGKILL");
    await stateOf("outbound-1", "does not answer").waitFor();
    await page
      .getByRole("status")
      .getByText(/outbound-1: no answer/)
      .waitFor();
    await stateOf("outbound-0", "Serving").waitFor();
    await engines[1]?.start();
    await stateOf("outbound-1", "Serving").waitFor();
  });

  test("an engine that hangs shows as such, too", async () => {
    engines[1]?.signal("SIGSTOP");
    await stateOf("outbound-1", "does not answer").waitFor();
    await page.getByText("outbound-1: no answer within 3 s").waitFor();
    assert.deepEqual(await tab.audit(), []);
    engines[1]?.signal("SIGCONT");
    await stateOf("outbound-1", "Serving").waitFor();
  });

  test("a session that ends asks for the password in front of the page, and nothing that was begun is lost", async () => {
    await show(page, "config");
    await page.getByRole("button", { name: "Propose a change" }).click();
    await page.selectOption("select[name=file]", "smtpd-policy.yaml");
    const text = page.getByRole("textbox", { name: "Proposed text of smtpd-policy.yaml" });
    await page.context().clearCookies();
    await text.fill("policies: [{ default: { rate: 10/60 } }]\n");
    await page.getByText("The session has ended. Log in, and go on where you were.").first().waitFor();
    await page.keyboard.press("Escape");
    assert.deepEqual(await tab.audit(), []);
    await picture(page, "login-again");
    await page.fill("input[name=user]", "admin");
    await page.fill("input[name=password]", "guess");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("Name or password are wrong.").waitFor();
    await page.fill("input[name=password]", PASSWORD);
    await page.keyboard.press("Enter");
    await page.locator("input[name=password]").waitFor({ state: "detached" });
    assert.equal(await text.inputValue(), "policies: [{ default: { rate: 10/60 } }]\n");
    await text.fill("policies: [{ default: { rate: 20/60 } }]\n");
    await page.getByText("An engine would take this.").waitFor();
  });

  test("somebody else who logs in then finds nothing of it", async () => {
    await page.context().clearCookies();
    await page.getByRole("textbox", { name: /Proposed text/ }).fill("policies: []\n");
    await page.fill("input[name=user]", "viewer");
    await page.fill("input[name=password]", PASSWORD);
    await page.keyboard.press("Enter");
    await page.locator(".who").getByText("viewer", { exact: true }).first().waitFor();
    assert.equal(await page.getByRole("textbox", { name: /Proposed text/ }).count(), 0);
    await page.getByRole("button", { name: "Log out" }).click();
    await page.waitForSelector("main.login");
    await logIn(page, "admin");
  });

  test("an order that nobody answered may have been done, which is said beside where to look", async () => {
    await show(page, "rules");
    await page.getByRole("button", { name: "Suspend" }).click();
    await page.fill("input[name=id]", "lost");
    await page.fill("input[name=value]", "later.test");
    await page.route("**/api/suspensions/lost", async (route) => {
      await route.fetch();
      await route.abort();
    });
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page
      .getByRole("alert")
      .getByText("The server does not answer. It may have been done or not")
      .waitFor();
    await page.unroute("**/api/suspensions/lost");
    await page.keyboard.press("Escape");
    await page.getByRole("row").filter({ hasText: "later.test" }).getByText("on 2 engines").waitFor();
    await show(page, "audit");
    await page.getByRole("row").filter({ hasText: "suspension.put" }).filter({ hasText: "lost" }).waitFor();
  });

  test("what was done on some engines alone is listed with those", async () => {
    await show(page, "rules");
    const remove = page.getByRole("button", { name: "Delete lost" });
    await remove.waitFor();
    await engines[1]?.end("SIGKILL");
    await remove.click();
    await page.getByRole("status").getByText("Done on: outbound-0").waitFor();
    await page
      .getByText(/outbound-1: no answer/)
      .first()
      .waitFor();
    await engines[1]?.start();
    assert.deepEqual(tab.complaints, []);
  });

  test("a server that is gone is said, and what was there stays to be read", async () => {
    await show(page, "overview");
    await stateOf("outbound-0", "Serving").waitFor();
    await page.route("**/api/**", (route) => route.abort());
    await page.getByRole("alert").getByText("The server does not answer.").waitFor();
    await stateOf("outbound-0", "Serving").waitFor();
    await page.unroute("**/api/**");
    await page.getByRole("alert").waitFor({ state: "detached" });
  });
});
