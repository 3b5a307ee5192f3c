/**
 * hsh: runs a script from the command line (`hsh --help` has the options), without a server. echo goes to standard
 * output, syslog to standard error. Ends with 0; with 1 when the script did not compile or failed, and what went wrong is on
 * standard error with file, line, column and script stack; with 2 when the options or files make no sense.
 */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, relative, resolve } from "node:path";
import { MessageChannel } from "node:worker_threads";

import { systemClock } from "#base/clock.ts";
import { Failure, describe } from "#base/error.ts";
import { makeLog } from "#base/log.ts";
import { systemRandom } from "#base/random.ts";

import { SystemResolver } from "../dns/system-resolver.ts";
import { type HshOptions, USAGE, readOptions } from "./hsh-options.ts";
import { type Extras, openExtras } from "./hsh-plugins.ts";
import { droppedOrders } from "./hsh-queue.ts";
import type { World } from "../script/context.ts";
import { CompileError } from "../script/error.ts";
import { mergeHosts } from "../script/host.ts";
import { libraryHost } from "../script/library/library.ts";
import { compile, run } from "../script/machine.ts";
import { type Loader, mainOf, within } from "../script/module.ts";
import { Shared } from "../script/shared.ts";
import { folderLoader } from "../script-ports/folder-loader.ts";
import { folderFiles, givenFiles } from "../script-ports/files.ts";
import { configuredKeys } from "../script-ports/keys.ts";
import { makeScriptPorts } from "../script-ports/ports.ts";

/** nobody and nogroup, as on every Debian. */
const NOBODY = 65_534;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  try {
    const options = readOptions(args);
    if (options !== null) return await start(options);
    process.stdout.write(USAGE);
    return 0;
  } catch (error) {
    if (error instanceof CompileError) return fail(error.message, 1);
    if (error instanceof Failure) return fail(`hsh: ${describe(error)}`, 2);
    throw error;
  }
}

async function start(options: HshOptions): Promise<number> {
  const { id, text, root } = source(options);
  if (options.privdrop) dropPrivileges();
  const extras = await openExtras(options, makeLog({ level: "warn", program: "hsh" }));
  const folder = folderLoader(root);
  const files: Loader = {
    load: (name) => {
      const id = mainOf(name);
      const data = options.files.get(id) ?? options.configs.get(id);
      return data === undefined ? folder.load(name) : { id, text: data };
    },
    list: (name) => [...within(options.files.keys(), name), ...(folder.list?.(name) ?? [])],
  };
  try {
    const host = mergeHosts(libraryHost, extras.host);
    return await execute(compile(id, text, host, extras.loader(files)), world(options, root, extras));
  } finally {
    extras.close();
  }
}

function source(options: HshOptions): { id: string; text: string; root: string } {
  const { file, rootpath, entrypoint, files } = options;
  if (file === null && entrypoint !== null) {
    if ("text" in entrypoint) return { id: "entrypoint", text: entrypoint.text, root: rootpath ?? "." };
    const { id } = entrypoint;
    const text = files.get(id);
    if (text !== undefined) return { id, text, root: rootpath ?? "." };
    return fromDisk(rootpath === null ? id : resolve(rootpath, id), rootpath);
  }
  return fromDisk(file ?? "-", rootpath);
}

/** "-" is standard input. */
function fromDisk(name: string, rootpath: string | null): { id: string; text: string; root: string } {
  const root = rootpath ?? (name === "-" ? "." : dirname(name));
  try {
    return {
      id: name === "-" ? "stdin" : relative(root, name),
      text: readFileSync(name === "-" ? 0 : name, "latin1"),
      root,
    };
  } catch (error) {
    throw new Failure("usage", describe(error), { transient: false });
  }
}

async function execute(program: ReturnType<typeof compile>, around: World): Promise<number> {
  // The clock's timers do not hold the process.
  const hold = new MessageChannel().port1;
  hold.ref();
  const { error } = await run(program, { world: around });
  hold.close();
  return error === null ? 0 : fail(error.describe(), 1);
}

function world(options: HshOptions, root: string, { foreign }: Extras): World {
  const { hostname: named, servers, keys } = options;
  const name = named ?? hostname();
  const ports = makeScriptPorts({
    clock: systemClock,
    random: systemRandom,
    resolver: new SystemResolver({ servers, timeoutMs: 3000, tries: 2 }),
    servers: () => servers,
    hostname: () => name,
    files: givenFiles(options.files, folderFiles(root)),
    keys: configuredKeys(() => keys),
  });
  return {
    clock: systemClock,
    random: systemRandom,
    echo: (line) => void process.stdout.write(`${line}\n`, "latin1"),
    log: (priority, line) => void process.stderr.write(`${priority}: ${line}\n`, "latin1"),
    hostname: name,
    shared: new Shared(systemClock),
    ports: { ...ports, queue: droppedOrders, ...(foreign === undefined ? {} : { foreign }) },
  };
}

/** There is no way back. */
function dropPrivileges(): void {
  if (process.getuid?.() !== 0) return;
  process.setgroups?.([]);
  process.setgid?.(NOBODY);
  process.setuid?.(NOBODY);
}

function fail(message: string, code: number): number {
  process.stderr.write(`${message}\n`, "latin1");
  return code;
}
