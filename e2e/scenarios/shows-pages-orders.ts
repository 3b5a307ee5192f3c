/**
 * Everything that somebody can do in the pages of the web administration, done in a browser against a cluster. Each of these
 * leaves the page where it was and rejects with what was not to be seen in time.
 */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";

import { show } from "../../mta-image/web/testing/steps.ts";
import { eventually } from "./stage.ts";

/** What every row of `query` is told; all `count` are changed, wherever they are. */
async function orderAll(
  page: Page,
  action: string,
  { query, count, to }: { readonly query: string; readonly count: number; readonly to?: string },
): Promise<void> {
  await show(page, `queue?${query}`);
  await page.getByText(`Recipients: ${count}`, { exact: true }).waitFor();
  await page.getByRole("button", { name: action, exact: true }).click();
  await page.getByText(`Recipients that this concerns: ${count}`, { exact: true }).waitFor();
  if (to !== undefined) await page.fill("input[name=to-jobId]", to);
  await page.getByRole("button", { name: `${action} (${count})` }).click();
  await page.getByRole("dialog").getByText(`Changed ${count} of ${count}`).waitFor();
  await page.keyboard.press("Escape");
}

/** Of 20 recipients in `domain` that nobody takes: afterwards none is left but the notice of the one that came back. */
export async function orderQueue(page: Page, domain: string): Promise<void> {
  const query = `recipientDomain=${domain}`;
  for (const action of ["Hold", "Release", "Retry now"]) await orderAll(page, action, { query, count: 20 });
  await orderAll(page, "Move", { query, count: 20, to: "second-try" });
  await orderAll(page, "Bounce", { query: `${query}&recipient=19user&jobId=second-try`, count: 1 });
  await chooseTwo(page, query);
  await orderAll(page, "Delete", { query, count: 17 });
  await show(page, `queue?${query}`);
  await page.getByText("Recipients: 0", { exact: true }).waitFor();
}

/** Two rows by their boxes, and no other, are deleted. */
async function chooseTwo(page: Page, query: string): Promise<void> {
  await show(page, `queue?${query}`);
  await page.getByText("Recipients: 19", { exact: true }).waitFor();
  for (const n of [0, 1])
    await page
      .getByLabel(/^Select 0/)
      .nth(n)
      .check();
  await page.getByText("2 selected").waitFor();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("button", { name: "Delete (2)" }).click();
  await page.getByRole("dialog").getByText("Changed 2 of 2").waitFor();
  await page.keyboard.press("Escape");
}

/** Of the first message in `domain`: what it is, and what it can be told. */
export async function orderMessage(page: Page, domain: string): Promise<void> {
  await show(page, `queue?recipientDomain=${domain}`);
  await page.getByRole("link", { name: domain }).first().click();
  await page.getByRole("heading", { name: "Header" }).waitFor();
  await page.locator("pre", { hasText: "Received:" }).waitFor();
  for (const action of ["Hold", "Release"]) {
    await page.getByRole("button", { name: action, exact: true }).click();
    await page.getByRole("button", { name: `${action} (1)` }).click();
    await page.getByRole("dialog").getByText("Changed 1 of 1").waitFor();
    await page.keyboard.press("Escape");
  }
}

export async function orderRules(page: Page, engines: number): Promise<void> {
  await show(page, "rules");
  for (const [button, id, fields] of [
    ["Suspend", "maintenance", { value: "later.test", tag: "night" }],
    ["Add a policy", "slow", { value: "slow.test", rate: "10/60", concurrency: "3" }],
  ] as const) {
    await page.getByRole("button", { name: button }).click();
    await page.fill("input[name=id]", id);
    for (const [field, value] of Object.entries(fields)) await page.fill(`input[name=${field}]`, value);
    await page.getByRole("button", { name: "Add", exact: true }).click();
    const row = page.getByRole("row").filter({ hasText: fields.value });
    await row.getByText(`on ${engines} engines`).waitFor();
    await page.getByRole("button", { name: `Delete ${id}` }).click();
    await row.waitFor({ state: "detached" });
  }
}

export async function traceSessions(page: Page, send: () => Promise<void>): Promise<void> {
  await show(page, "trace");
  await page.fill("input[name=sender]", "sender@example.org");
  await page.getByRole("button", { name: "Start" }).click();
  await page.getByText("live", { exact: true }).waitFor();
  const said = page.getByText("MAIL FROM:<sender@example.org>").first();
  await eventually(
    async () => {
      await send();
      return said.count();
    },
    (count) => count > 0,
    60,
  );
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByRole("button", { name: "Start" }).waitFor();
}

/** A mistake is named, what is right comes back as a patch and a manifest, and nothing is written. */
export async function proposeChange(page: Page): Promise<void> {
  await show(page, "config");
  await page.getByRole("button", { name: "Propose a change" }).click();
  await page.selectOption("select[name=file]", "smtpd-policy.yaml");
  await page.getByRole("textbox").fill("rats: 1\n");
  await page.getByText("An engine would refuse this: 1").waitFor();
  await page.getByRole("textbox").fill("policies: [{ default: { rate: 10/60 } }]\n");
  await page.getByText("An engine would take this.").waitFor();
  await page.getByRole("region", { name: "As a patch of the texts" }).waitFor();
  await page.getByRole("region", { name: "For the MailCluster" }).getByText("policies:").waitFor();
  await page.getByRole("button", { name: "Leave it" }).click();
}

/** Two revisions are in force: the canary's and the one before. */
export async function compareRevisions(page: Page): Promise<void> {
  // It shows what was in force when one came to it.
  await show(page, "overview");
  await show(page, "config");
  await page.selectOption("select[name=file]", "smtpd-policy.yaml");
  await page.selectOption("select[name=between]", { index: 1 });
  await page.locator("pre ins, pre del").first().waitFor();
}

/** The operator may write its status between looking and ordering; then the page says so, and one orders again. */
export async function orderRollout(page: Page, action: string, change: string): Promise<void> {
  await show(page, "rollout");
  const dialog = page.getByRole("dialog");
  const button = dialog.getByRole("button", { name: action, exact: true });
  await eventually(
    async () => {
      if ((await dialog.count()) === 0) await page.getByRole("button", { name: action, exact: true }).click();
      else if ((await button.count()) > 0) await button.click();
      if ((await dialog.getByText("has changed meanwhile").count()) > 0) {
        await page.keyboard.press("Escape");
        await dialog.waitFor({ state: "detached" });
      }
      return dialog.getByText(`Taken: ${change}.`).count();
    },
    (count) => count === 1,
    60,
  );
  await page.keyboard.press("Escape");
}

/** By the keyboard alone; the page is at the log-in, before and after. */
export async function comeAndGo(page: Page, { user, password }: { user: string; password: string }) {
  await page.waitForSelector("input[name=user]");
  for (const text of [user, password]) {
    await page.keyboard.press("Tab");
    await page.keyboard.type(text);
  }
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  assert.equal(await page.locator(".who").getByText(user).first().count(), 1);
  await page.getByRole("button", { name: "Log out" }).click();
  await page.waitForSelector("main.login");
}
