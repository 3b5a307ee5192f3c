/**
 * What the engine keeps in files beside the spool, with the process killed before and after each step on them, and in
 * the midst of each text: what was said to be done is there, and nothing is there by halves.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { eventLineOf, notesOf, pushedOf, rowOf, shareOf } from "../../testing/kept-things.ts";
import { readPushed, writePushed } from "../config/files.ts";
import { readShare, writeShare } from "../config/shares.ts";
import { readKept } from "../delivery/kept-json.ts";
import { Batches } from "../events/batches.ts";
import { RotatedFile } from "../events/rotated-file.ts";
import { readCrashes } from "../plugins/crash-notes.ts";
import { SuppressionStore } from "../suppression/suppression-store.ts";

interface Said {
  readonly done: readonly string[];
  /** The one that was under way, or null. */
  readonly begun: string | null;
}

const program = (path: string): string => new URL(path, import.meta.url).pathname;
const victim = program("../../testing/file-victim.ts");
const preload = program("../../../base/testing/kill-at.ts");

/** Null for the code of a process that was killed. */
function run(store: string, folder: string, killAt: number): Promise<{ code: number | null; said: Said }> {
  const args = ["--disable-warning=ExperimentalWarning", "--import", preload, victim, store, folder];
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      args,
      { env: { ...process.env, KILL_AT: String(killAt) } },
      (error, text) => {
        if (error !== null && child.signalCode !== "SIGKILL") return reject(error);
        const lines = text.split("\n").filter((line) => line !== "");
        const done = lines.filter((line) => line.startsWith("done ")).map((line) => line.slice(5));
        const last = lines.at(-1) ?? "";
        const begun = last.startsWith("begun ") ? last.slice(6) : null;
        resolve({ code: child.exitCode, said: { done, begun } });
      },
    );
  });
}

/** Numbered versions of one thing: the last that was done, or the one under way. */
function isOneOf(found: unknown, { done, begun }: Said, version: (n: number) => unknown): void {
  const may = [Number(done.at(-1) ?? 1), ...(begun === null ? [] : [Number(begun)])].map(version);
  assert.ok(
    may.some((each) => JSON.stringify(each) === JSON.stringify(found)),
    `${JSON.stringify(found)} is none of ${JSON.stringify(may)}`,
  );
}

async function checkEvents(folder: string, { done, begun }: Said): Promise<void> {
  const batches = await Batches.open(join(folder, "events"), 50);
  const names = readdirSync(join(folder, "events"));
  for (const name of names) {
    assert.match(name, /^\d\.json$/);
    const [text] = JSON.parse((await batches.read(name.slice(0, 1))) ?? "") as [string];
    assert.ok(text.startsWith(name.slice(0, 1)), name);
  }
  for (const id of ["1", "2", "3"]) {
    const mayBeGone =
      id === "1" ? [...done, begun ?? ""].includes("remove 1") : id === "2" && begun === "add 3";
    const isGone = done.includes(id === "1" ? "remove 1" : id === "2" ? "add 3" : "never");
    const isThere = names.includes(`${id}.json`);
    if (done.includes(`add ${id}`) && !mayBeGone && !isGone) assert.ok(isThere, `${id} was kept`);
    if (isGone) assert.ok(!isThere, `${id} was sent`);
  }
}

/** Also by what the next process writes, which goes on with a putting aside that was begun. */
async function checkRotated(folder: string, { done, begun }: Said): Promise<void> {
  const path = join(folder, "mail.log");
  const onNotRotated = (error: unknown): void => assert.fail(String(error));
  const file = new RotatedFile({ path, maxBytes: 30, keep: 9, onNotRotated });
  for (const n of [100, 101, 102, 103]) await file.write(eventLineOf(n));
  await file.close();
  const names = readdirSync(folder).filter((name) => name.startsWith("mail.log"));
  const aside = (name: string): number => Number(name.split(".")[2] ?? 0);
  const texts = names
    .toSorted((a, b) => aside(b) - aside(a))
    .map((name) => readFileSync(join(folder, name), "utf8"));
  const found = texts.join("").trim().split("\n");
  const late = begun !== null && found.includes(eventLineOf(Number(begun)).toString().trim()) ? [begun] : [];
  const wanted = [...done, ...late, 100, 101, 102, 103].map((n) => eventLineOf(Number(n)).toString().trim());
  assert.deepEqual(found, wanted);
}

function checkSuppressions(folder: string, { done, begun }: Said): void {
  const list = new SuppressionStore(join(folder, "list.db"));
  const isThere = list.find("", rowOf(1).address, 0) !== null;
  if (done.includes("delete 1")) assert.ok(!isThere, "it was deleted");
  else if (done.includes("add 1") && begun !== "delete 1") assert.ok(isThere, "it is suppressed");
  list.close();
}

/** What an earlier process left. */
const before: Readonly<Record<string, (folder: string) => Promise<void>>> = {
  pushed: (folder) => writePushed(join(folder, "pushed"), pushedOf(1)),
  share: (folder) => writeShare({ folder, initial: shareOf(0) }, shareOf(1)),
};

const checks: Readonly<Record<string, (folder: string, said: Said) => Promise<void> | void>> = {
  pushed: async (folder, said) => {
    const places = { startupPath: "", pushedFolder: join(folder, "pushed") };
    isOneOf(await readPushed(places), said, (n) => orderly(pushedOf(n)));
  },
  share: async (folder, said) => isOneOf(await readShare({ folder, initial: shareOf(0) }), said, shareOf),
  tls: async (folder, said) =>
    isOneOf(await readKept(join(folder, "tls/reports.json")), said, (n) => (n === 1 ? null : { n })),
  crashes: async (folder, said) => {
    const path = join(folder, "crashes.log");
    isOneOf(readFileSync(path, "utf8"), said, notesOf);
    assert.ok([1000, 1500].includes((await readCrashes(path)).get("geo") ?? 0));
  },
  events: checkEvents,
  rotated: checkRotated,
  suppressions: checkSuppressions,
};

/** In the order in which a reader names them. */
function orderly({ app, revision, policy, suspend }: ReturnType<typeof pushedOf>): unknown {
  return { app, revision, policy, suspend };
}

/** A process is started for each step: on a machine that has much to do, all of them take minutes. */
const timeout = 1_800_000;

for (const [store, check] of Object.entries(checks)) {
  test(`${store}: killed at any step, what was done is there, and nothing by halves`, {
    timeout,
  }, async () => {
    for (let at = 0; ; at++) {
      const folder = mkdtempSync(join(tmpdir(), "killed-"));
      await before[store]?.(folder);
      const { code, said } = await run(store, folder, at);
      if (said.begun !== null || said.done.length > 0) await check(folder, said);
      rmSync(folder, { recursive: true });
      if (code === 0) {
        assert.ok(at > 8, `there were ${at} steps`);
        break;
      }
    }
  });
}
