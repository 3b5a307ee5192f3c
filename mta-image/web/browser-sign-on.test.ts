import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { type Reader, type Tab, hasBrowser, openReader, openTab } from "./testing/browser.ts";
import { type SignOnRig, startBoth } from "./testing/sign-on-rig.ts";
import { picture } from "./testing/steps.ts";

/** To a browser the provider is another site: cookies that are strict do not come along from there. */
describe("logging in by an OpenID provider", { skip: hasBrowser ? false : "there is no chromium" }, () => {
  let reader: Reader;
  let both: SignOnRig;
  before(async () => {
    reader = await openReader();
    both = await startBoth({ label: "Log in with Example" }, { host: "localhost", pages: reader.pages });
  });
  after(async () => {
    await reader?.close();
    await both?.rig.stop();
    await both?.provider.stop();
  });

  async function signOn({ page }: Tab, person: string): Promise<void> {
    await page.goto("/");
    await page.getByRole("link", { name: "Log in with Example" }).click();
    await page.waitForURL((url) => url.hostname === "localhost");
    await page.fill("input[name=login]", person);
    await page.fill("input[name=password]", "any");
    await page.click("button[type=submit]");
    // What it asks before it tells us who somebody is.
    await page.getByRole("button", { name: /continue/i }).click();
    await page.waitForURL((url) => url.hostname === "127.0.0.1");
  }

  test("the button leads to the provider and back into the pages, and out of both again", async () => {
    const tab = await openTab(reader.browser, { url: both.rig.url });
    await tab.page.goto("/");
    await tab.page.getByRole("link", { name: "Log in with Example" }).waitFor();
    assert.deepEqual(await tab.audit(), []);
    await picture(tab.page, "login-sign-on");
    await signOn(tab, "ada");
    await tab.page.getByRole("heading", { name: "Overview" }).waitFor();
    await tab.page.locator(".who").getByText("ada", { exact: true }).waitFor();
    await tab.page.locator(".who").getByText("operator", { exact: true }).waitFor();
    await tab.page.reload();
    await tab.page.getByRole("heading", { name: "Overview" }).waitFor();
    await tab.page.getByRole("button", { name: "Log out" }).click();
    await tab.page.waitForURL((url) => url.hostname === "localhost");
    await tab.page.getByRole("button", { name: /yes/i }).click();
    await tab.page.getByRole("link", { name: "Log in with Example" }).waitFor();
    assert.equal((await tab.page.request.get("/api/session")).status(), 401);
    assert.deepEqual(tab.complaints, []);
    await tab.close();
  });

  test("somebody without a role is told so on the page, whatever their name is", async () => {
    for (const [person, words] of [
      ["bob", "You are known, but have no role here."],
      ["eve", "The log-in service gave no usable name for you."],
    ] as const) {
      const tab = await openTab(reader.browser, { url: both.rig.url });
      await signOn(tab, person);
      await tab.page.getByRole("alert").getByText(words).waitFor();
      assert.deepEqual(await tab.audit(), []);
      await tab.close();
    }
  });
});
