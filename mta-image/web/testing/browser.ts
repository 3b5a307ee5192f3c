/**
 * A real Chromium in front of a web server under test. There is none where `hasBrowser` is false. A page that
 * throws, or breaks its own security policy, is remembered: `complaints` must stay empty.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, type Page, chromium } from "playwright-core";

import { buildPages } from "../../../tools/web.ts";

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
  return chromium.launch({
    executablePath: PROGRAM,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
    timeout: 120_000,
  });
}

/** Who reads the pages as they are built: a browser, and the folder with them. */
export interface Reader {
  readonly browser: Browser;
  readonly pages: string;
  close(): Promise<void>;
}

export async function openReader(): Promise<Reader> {
  const pages = mkdtempSync(join(tmpdir(), "pages-"));
  await buildPages(pages);
  const browser = await openBrowser();
  return {
    browser,
    pages,
    close: async () => {
      await browser.close();
      rmSync(pages, { recursive: true, force: true });
    },
  };
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
  page.setDefaultTimeout(60_000);
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
