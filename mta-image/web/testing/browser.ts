/**
 * A real Chromium in front of a web server under test. `openBrowser` resolves with null where there is none. A page that
 * throws, or breaks its own security policy, is remembered: `complaints` must stay empty.
 */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, type BrowserContext, type Page, chromium } from "playwright-core";

export interface Tab {
  readonly page: Page;
  readonly complaints: string[];
  /** What axe finds serious or worse, one line each. */
  audit(): Promise<string[]>;
  close(): Promise<void>;
}

const PROGRAM = "/usr/bin/chromium";

export const hasBrowser = existsSync(PROGRAM);

export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: PROGRAM, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

export async function openTab(
  browser: Browser,
  options: { readonly url: string; readonly theme?: "light" | "dark"; readonly isPhone?: boolean },
): Promise<Tab> {
  const viewport = options.isPhone === true ? { width: 390, height: 844 } : { width: 1280, height: 860 };
  const context: BrowserContext = await browser.newContext({
    baseURL: options.url,
    colorScheme: options.theme ?? "light",
    viewport,
    locale: "en-GB",
  });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // The browser reports every answer that is an error; the pages show those themselves.
    if (message.type() === "error" && !/Failed to load resource/.test(message.text()))
      complaints.push(message.text());
  });
  return { page, complaints, audit: () => auditOf(page), close: () => context.close() };
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string }[];
}

async function auditOf(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  const found = (await page.evaluate(
    "axe.run(document).then(({ violations }) => violations)",
  )) as Violation[];
  return found
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
}
