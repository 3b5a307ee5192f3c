/**
 * The web administration over a long queue: how long a page of the list takes (the first, deep ones, searched, grouped), from
 * engines that are processes of their own through the server, which is one too, and what the page holds in a browser:
 *
 *   node mta-image/bench/web-queue.bench.ts [entries] [engines] [rounds] [folder]
 *
 * Spools are written first, about 1.5 KiB an entry. The process ends with 1 when a target is missed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import type { QueueFilter } from "#contract/insight-api.ts";
import { hashPassword } from "#web/server/password.ts";
import type { ClusterGroups, ClusterPage, SessionView } from "#web/shared/web-api.ts";

import { buildPages } from "../../tools/web.ts";
import { ChildEngine } from "../testing/child-engine.ts";
import { hasBrowser, openBrowser, openTab } from "../web/testing/browser.ts";
import { writeDeferredSpool } from "./deferred-spool.ts";

const [entries = 1_000_000, engines = 20, rounds = 100] = process.argv.slice(2, 5).map(Number);
const PASSWORD = "a password of the bench";
const MOST_MS = 300;
const MOST_HEAP_MB = 60;
/** How far the deep pages lie behind the first. */
const DEEP_PAGES = 200;

const folder = mkdtempSync(join(process.argv[5] ?? tmpdir(), "web-queue-"));
const running: ChildEngine[] = [];
const servers: ChildProcess[] = [];
const say = (line: string): void => void process.stdout.write(`${line}\n`);

try {
  await startEngines();
  const url = await startServer();
  const ask = await logIn(url);
  say(`load average ${loadavg()[0]?.toFixed(1)}; milliseconds, ${rounds} rounds each`);
  say("| page | p50 | p95 | p99 | most |\n|---|---|---|---|---|");
  const worst = await measurePages(ask);
  const heap = hasBrowser ? await measureBrowser(url) : null;
  if (worst >= MOST_MS || (heap !== null && heap >= MOST_HEAP_MB)) process.exitCode = 1;
} finally {
  for (const server of servers) server.kill("SIGTERM");
  await Promise.all(running.map((engine) => engine.end("SIGKILL")));
  rmSync(folder, { recursive: true, force: true });
}

async function startEngines(): Promise<void> {
  const each = Math.ceil(entries / engines);
  for (let n = 0; n < engines; n++) {
    const place = join(folder, `engine-${n}`);
    mkdirSync(place);
    writeDeferredSpool(join(place, "spool"), Math.min(each, entries - n * each));
    // Nobody listens there: what is due stays.
    running.push(await ChildEngine.start({ server: "127.0.0.1:1", folder: place }));
    say(`engine ${n + 1} of ${engines} is ready`);
  }
}

/** Its address. */
async function startServer(): Promise<string> {
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  await buildPages(join(folder, "pages"));
  const users = [{ name: "bench", role: "operator", password: await hashPassword(PASSWORD) }];
  const config = {
    listener: { port: 0 },
    engines: {
      tokenfile: join(folder, "engine-0", "token"),
      hosts: running.map(({ ports }, n) => ({ name: `mta-${n}`, url: `http://127.0.0.1:${ports.admin}` })),
    },
    users: file("users.yaml", JSON.stringify({ users })),
    sessions: { keyfile: file("key", "k".repeat(48)) },
  };
  const program = new URL("../web/server/main.ts", import.meta.url).pathname;
  const args = ["--config", file("web.yaml", JSON.stringify(config)), "--pages", join(folder, "pages")];
  const server = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  servers.push(server);
  const lines = createInterface({ input: server.stdout });
  const [line] = (await once(lines, "line")) as [string];
  const { port } = JSON.parse(line) as { port: number };
  return `http://127.0.0.1:${port}`;
}

type Ask = <T>(path: string, body: object) => Promise<T>;

async function logIn(url: string): Promise<Ask> {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ user: "bench", password: PASSWORD });
  const login = await fetch(`${url}/api/login`, { method: "POST", headers, body });
  const { csrf } = (await login.json()) as SessionView;
  const cookie = login.headers.get("set-cookie")?.split(";")[0] ?? "";
  return async <T>(path: string, body: object): Promise<T> => {
    const response = await fetch(`${url}/api${path}`, {
      method: "POST",
      headers: { ...headers, cookie, "x-csrf-token": csrf },
      body: JSON.stringify(body),
    });
    if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
    return (await response.json()) as T;
  };
}

/** The largest p99. */
async function measurePages(ask: Ask): Promise<number> {
  const page = (filter: QueueFilter, after?: string): Promise<ClusterPage> =>
    ask("/queue/search", { filter, limit: 200, ...(after === undefined ? {} : { after }) });
  const groups = (by: string): Promise<ClusterGroups> => ask("/queue/groups", { filter: {}, by });
  const whole = await untilAllAnswer(() => page({}));
  let deep = whole.next;
  let depth = whole.entries.length;
  for (let n = 1; n < DEEP_PAGES && deep !== null; n++) {
    const { entries: found, next } = await page({}, deep);
    deep = next ?? deep;
    depth += found.length;
  }
  const kinds: readonly (readonly [string, (round: number) => Promise<ClusterPage | ClusterGroups>])[] = [
    ["first", () => page({})],
    [`deep (behind ${depth} entries)`, () => page({}, deep ?? undefined)],
    ["searched by a part of an address", (n) => page({ text: `user.${n * 37}@` })],
    ["searched by domain", (n) => page({ recipientDomain: `example${n % 1000}.net` })],
    ["searched by state and reply", () => page({ status: "deferred", reply: "4.7.1" })],
    ["grouped by domain", () => groups("recipientDomain")],
    ["grouped by age", () => groups("age")],
    ["grouped by next try", () => groups("nextRetry")],
  ];
  let worst = 0;
  let missing = 0;
  for (const [name, call] of kinds) {
    const times: number[] = [];
    for (let round = 0; round < rounds + 3; round++) {
      const before = performance.now();
      const { failures } = await call(round);
      if (failures.length > 0) missing++;
      // The first few compile what the rest runs.
      if (round >= 3) times.push(performance.now() - before);
    }
    const at = quantiles(times);
    say(`| ${name} | ${at(0.5)} | ${at(0.95)} | ${at(0.99)} | ${at(1)} |`);
    worst = Math.max(worst, at(0.99));
  }
  say(`answers in which an engine was missing: ${missing}`);
  return missing > 0 ? MOST_MS : worst;
}

/** At first every engine compiles what it runs, all at once: on a busy machine some take longer than the server waits. */
async function untilAllAnswer(look: () => Promise<ClusterPage>): Promise<ClusterPage> {
  let page = await look();
  for (let tries = 0; tries < 20 && page.failures.length > 0; tries++) page = await look();
  if (page.matched !== entries || page.failures.length > 0)
    throw new Error(`${page.matched} of ${entries} entries, ${JSON.stringify(page.failures)}`);
  return page;
}

function quantiles(times: readonly number[]): (share: number) => number {
  const sorted = times.toSorted((a, b) => a - b);
  return (share) => Math.round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0);
}

/** MB of JavaScript's heap at its largest, without a collection, while somebody scrolls through all that the page shows. */
async function measureBrowser(url: string): Promise<number> {
  const browser = await openBrowser();
  const { page, close } = await openTab(browser, { url });
  page.setDefaultTimeout(60_000);
  await page.goto("/");
  await page.fill("input[name=user]", "bench");
  await page.fill("input[name=password]", PASSWORD);
  await page.keyboard.press("Enter");
  await page.waitForSelector("nav");
  await page.goto("/#/queue");
  await page
    .getByText(`Recipients: ${new Intl.NumberFormat("en").format(entries)}`, { exact: true })
    .waitFor();
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Performance.enable");
  const metric = async (name: string): Promise<number> => {
    const { metrics } = await cdp.send("Performance.getMetrics");
    return metrics.find((each) => each.name === name)?.value ?? 0;
  };
  let most = 0;
  for (let step = 0; step < 60; step++) {
    await page.locator(".scroller").evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await page.waitForTimeout(100);
    most = Math.max(most, await metric("JSHeapUsedSize"));
  }
  await cdp.send("HeapProfiler.collectGarbage");
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(1);
  say(
    `in the browser: ${mb(most)} MB of heap at most, ${mb(await metric("JSHeapUsedSize"))} MB after a collection, ${await metric("Nodes")} nodes`,
  );
  await close();
  await browser.close();
  return most / 1e6;
}
