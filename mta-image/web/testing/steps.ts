/** What somebody does in the pages, in tests; and the pictures of docs/web, which are made by the way. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";

import { PASSWORD } from "./rig.ts";

/** Set to a folder, a run leaves its pictures there (docs/web). */
const pictures = process.env["MAILFLEET_PICTURES"];

/** The pages of the menu. */
export const views = [
  "overview",
  "queue",
  "rules",
  "warm-up",
  "deliveries",
  "trace",
  "config",
  "plugins",
  "spamhaus",
  "rollout",
  "audit",
];

export async function logIn(page: Page, user: string): Promise<void> {
  await page.goto("/");
  await page.fill("input[name=user]", user);
  await page.fill("input[name=password]", PASSWORD);
  await page.keyboard.press("Enter");
  await page.waitForSelector("nav");
}

export async function show(page: Page, view: string): Promise<void> {
  await page.goto(`/#/${view}`);
  await page.waitForSelector("h1");
  await page.getByText("Loading …").waitFor({ state: "detached" });
}

export async function picture(page: Page, name: string): Promise<void> {
  if (pictures === undefined) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`), animations: "disabled" });
}
