/**
 * Where the configuration in force comes from: smtpd.yaml as given with -c, and the reloadable files either as
 * it names them (environment.appconf …) or, when some were pushed through the admin API, from the pushed folder,
 * which outlives a restart of the process. Reading throws a Failure `config-unreadable` that names the file;
 * pushing is durable before it resolves: written aside, synced, renamed.
 */
import { createHash } from "node:crypto";
import { access, readFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";

import { Failure, describe } from "#base/error.ts";
import { replaceFile } from "#base/kept-file.ts";
import { appFile, parseStartup, policyFile, startupFile, suspendFile } from "#contract/config.ts";
import type { FileNames } from "#contract/file-names.ts";
import { wayOut } from "#contract/halon-keys.ts";

export interface ConfigTexts {
  readonly startup: string;
  readonly app: string;
  /** "" when there is no such file. */
  readonly policy: string;
  readonly suspend: string;
  readonly revision: string;
}

/** What can be pushed. */
export type PushedTexts = Omit<ConfigTexts, "startup">;

export interface ConfigPlaces {
  readonly startupPath: string;
  /** Null: nothing can be pushed. */
  readonly pushedFolder: string | null;
}

const PUSHED = "pushed.json";

/** The files as they are on disk, without anything pushed. The revision is a hash of their text. */
export async function readFiles(places: ConfigPlaces): Promise<ConfigTexts> {
  const startup = await read(places.startupPath);
  const named = placesOf(startup);
  const base = dirname(resolve(places.startupPath));
  const place = (name: string): string => (isAbsolute(name) ? name : join(base, name));
  const app = await read(place(named.appconf));
  const policy = await readIfThere(place(named.policyconf));
  const suspend = await readIfThere(place(named.suspendconf));
  const revision = (await readRevision(base)) ?? hash(startup, app, ...[policy, suspend].filter(Boolean));
  return { startup, app, policy, suspend, revision };
}

/** The names that users gave to files on disk: the reloadable ones have those that smtpd.yaml says. */
export function namesOnDisk({ startupPath }: ConfigPlaces, { startup }: ConfigTexts): FileNames {
  const { appconf, policyconf, suspendconf } = placesOf(startup);
  return new Map([
    ...namesOfPushed({ startupPath }),
    [appFile, appconf],
    [policyFile, policyconf],
    [suspendFile, suspendconf],
  ]);
}

/** What is pushed has the standard names. */
export function namesOfPushed({ startupPath }: Pick<ConfigPlaces, "startupPath">): FileNames {
  return new Map([[startupFile, basename(startupPath)]]);
}

function placesOf(startup: string): typeof standardNames {
  const parsed = parseStartup(startup);
  return parsed.ok ? parsed.value.environment : standardNames;
}

const standardNames = { appconf: appFile, policyconf: policyFile, suspendconf: suspendFile };

/** A file of Halon that lies beside ours and that nobody reads, with the way out. */
export async function unreadBeside(startupPath: string): Promise<readonly string[]> {
  const path = join(dirname(resolve(startupPath)), "smtpd-delivery.yaml");
  const said = wayOut(startupFile, "environment.deliveryconf") ?? "";
  return access(path).then(
    () => [said],
    () => [],
  );
}

/** What was pushed last, or null. A damaged file counts as none: the pushing side looks and pushes again. */
export async function readPushed(places: ConfigPlaces): Promise<PushedTexts | null> {
  if (places.pushedFolder === null) return null;
  try {
    const value: unknown = JSON.parse(await readFile(join(places.pushedFolder, PUSHED), "utf8"));
    const { app, revision, policy = "", suspend = "" } = value as Record<string, unknown>;
    const texts = { app, revision, policy, suspend };
    return Object.values(texts).every((text) => typeof text === "string") ? (texts as PushedTexts) : null;
  } catch {
    return null;
  }
}

export async function writePushed(folder: string, pushed: PushedTexts): Promise<void> {
  try {
    await replaceFile(join(folder, PUSHED), JSON.stringify(pushed));
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

/** "" when there is no such file; one that is there must be readable. */
async function readIfThere(path: string): Promise<string> {
  const isThere = await access(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== "ENOENT",
  );
  return isThere ? read(path) : "";
}

function hash(...texts: string[]): string {
  return createHash("sha256").update(texts.join("\0")).digest("hex").slice(0, 12);
}
