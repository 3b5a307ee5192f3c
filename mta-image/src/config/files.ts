/**
 * Where the configuration in force comes from: smtpd.yaml as given with -c, and the reloadable file either as
 * it names it (environment.appconf) or, when one was pushed through the admin API, from the pushed folder,
 * which outlives a restart of the process. Reading throws a Failure `config-unreadable` that names the file;
 * pushing is durable before it resolves: written aside, synced, renamed.
 */
import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname, isAbsolute, join, resolve } from "node:path";

import { Failure, describe } from "#base/error.ts";
import { appFile, parseStartup } from "#contract/config.ts";

export interface ConfigTexts {
  readonly startup: string;
  readonly app: string;
  readonly revision: string;
}

export interface ConfigPlaces {
  readonly startupPath: string;
  /** Null: nothing can be pushed. */
  readonly pushedFolder: string | null;
}

const PUSHED = "pushed.json";

/** The files as they are on disk, without anything pushed. The revision is a hash of their text. */
export async function readFiles(places: ConfigPlaces): Promise<ConfigTexts> {
  const startup = await read(places.startupPath);
  const parsed = parseStartup(startup);
  const named = parsed.ok ? parsed.value.environment.appconf : appFile;
  const base = dirname(resolve(places.startupPath));
  const app = await read(isAbsolute(named) ? named : join(base, named));
  const revision = (await readRevision(base)) ?? hash(startup, app);
  return { startup, app, revision };
}

/** What was pushed last, or null. A damaged file counts as none: the pushing side looks and pushes again. */
export async function readPushed(places: ConfigPlaces): Promise<{ app: string; revision: string } | null> {
  if (places.pushedFolder === null) return null;
  try {
    const value: unknown = JSON.parse(await readFile(join(places.pushedFolder, PUSHED), "utf8"));
    const { app, revision } = value as Record<string, unknown>;
    return typeof app === "string" && typeof revision === "string" ? { app, revision } : null;
  } catch {
    return null;
  }
}

export async function writePushed(folder: string, pushed: { app: string; revision: string }): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    const file = await open(join(folder, `${PUSHED}.part`), "w", 0o600);
    await file.writeFile(JSON.stringify(pushed));
    await file.sync();
    await file.close();
    await rename(join(folder, `${PUSHED}.part`), join(folder, PUSHED));
  } catch (cause) {
    throw new Failure(
      "config-not-kept",
      `the pushed configuration could not be kept in ${folder}: ${describe(cause)}`,
      { cause },
    );
  }
}

/** Whoever renders the files may name their revision in a file `revision` beside them. */
async function readRevision(folder: string): Promise<string | null> {
  const text = await readFile(join(folder, "revision"), "utf8").catch(() => "");
  return /^[A-Za-z0-9._-]{1,128}\s*$/.test(text) ? text.trim() : null;
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new Failure("config-unreadable", `cannot read ${path}: ${describe(cause)}`, {
      transient: false,
      cause,
    });
  }
}

function hash(...texts: string[]): string {
  return createHash("sha256").update(texts.join("\0")).digest("hex").slice(0, 12);
}
