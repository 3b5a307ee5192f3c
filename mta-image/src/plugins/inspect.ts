/**
 * Whether a file can be a plugin here, judged before it is opened: opening runs its code. `inspect` reads the
 * file, `judge` is pure. A refusal is a sentence about the file; the host puts plugin and path before it.
 */
import { readFile } from "node:fs/promises";
import { arch } from "node:process";

import { describe } from "#base/error.ts";

import { type Elf, readElf } from "./elf.ts";
import type { PluginName } from "./error.ts";

export type Role = "script" | "queue" | "delivery" | "inject";

export interface Inspection {
  readonly refusal: string | null;
  /** Its Halon_ functions and those it offers to scripts by name. */
  readonly exported: readonly string[];
  readonly roles: readonly Role[];
  /** It may suspend calls in place, which takes a stack of their own. */
  readonly inPlace: boolean;
}

/** A plugin that is open. */
export interface LoadedPlugin extends PluginName {
  readonly index: number;
  readonly inspection: Inspection;
  /** What it was built for. */
  readonly version: number;
}

const nothing = { exported: [], roles: [], inPlace: false };

export async function inspect(path: string, provides: (name: string) => boolean): Promise<Inspection> {
  let file: Buffer;
  try {
    file = await readFile(path);
  } catch (error) {
    return { refusal: `it cannot be read: ${describe(error)}`, ...nothing };
  }
  return judge(readElf(file), { machine: arch, provides });
}

export function judge(
  elf: Elf | null,
  host: { readonly machine: string; readonly provides: (name: string) => boolean },
): Inspection {
  const refusal = refusalOf(elf, host);
  if (elf === null) return { refusal, ...nothing };
  return {
    refusal,
    exported: elf.exported.filter((name) => name.startsWith("Halon_")),
    roles: rolesOf(elf),
    inPlace: elf.needed.includes("HalonMTA_hsl_suspend"),
  };
}

function refusalOf(
  elf: Elf | null,
  host: { readonly machine: string; readonly provides: (name: string) => boolean },
): string | null {
  if (elf === null) return "it is not an ELF file";
  if (!elf.littleEndian64 || elf.machine !== host.machine) {
    return `it is built for ${elf.littleEndian64 ? elf.machine : "another machine"}, this is ${host.machine}`;
  }
  if (!elf.isSharedObject) return "it is not a shared object (build it with -shared -fPIC)";
  if (!elf.exported.includes("Halon_version")) return "it does not export Halon_version";
  const missing = elf.needed.filter((name) => name.startsWith("HalonMTA_") && !host.provides(name));
  return missing.length === 0 ? null : `it needs ${missing.join(", ")}, which this version does not provide`;
}

function rolesOf(elf: Elf): Role[] {
  const roles: Role[] = [];
  if (elf.exported.includes("Halon_hsl_register")) roles.push("script");
  const inQueue = (name: string): boolean =>
    name.startsWith("Halon_queue_") || name.startsWith("HalonMTA_queue_");
  if (elf.exported.some(inQueue) || elf.needed.some(inQueue)) roles.push("queue");
  if (elf.exported.includes("Halon_deliver")) roles.push("delivery");
  if (elf.needed.includes("HalonMTA_inject_new")) roles.push("inject");
  return roles;
}
