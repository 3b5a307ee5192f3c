/** What `environment` of smtpd.yaml says of the process itself, put in force before it opens anything. */
import { readFileSync } from "node:fs";

import { Failure } from "#base/error.ts";
import type { StartupConfig } from "#contract/config.ts";

export interface ProcessFacts {
  /** 0 is root. */
  readonly uid: number;
  /** How many files it may have open; null: nobody knows. Node has raised it to what the system allows. */
  readonly openFiles: number | null;
}

export function processFacts(): ProcessFacts {
  return { uid: process.getuid?.() ?? -1, openFiles: openFilesIn(limits()) };
}

/** Throws a Failure `process-unfit` where a key asks for what would be missed; what else is not as it says comes back. */
export function fitProcess(
  { umask, privdrop, rlimit }: StartupConfig["environment"],
  facts: ProcessFacts,
): readonly string[] {
  if (privdrop !== undefined && facts.uid === 0) {
    const way = "start it as the user that it shall be, or leave the key out";
    throw new Failure(
      "process-unfit",
      `smtpd.yaml: environment.privdrop: smtpd runs as root and changes no user; ${way}`,
      { transient: false },
    );
  }
  if (umask !== undefined) process.umask(Number.parseInt(umask, 8));
  const wanted = rlimit?.nofile ?? 0;
  if (facts.openFiles === null || facts.openFiles >= wanted) return [];
  return [
    `smtpd.yaml: environment.rlimit.nofile is ${wanted}, but the system allows ${facts.openFiles}: raise the hard limit of whoever starts smtpd`,
  ];
}

/** As /proc/PID/limits tells it; Infinity without a limit. */
export function openFilesIn(text: string): number | null {
  const soft = /^Max open files\s+(\d+|unlimited)/m.exec(text)?.[1];
  if (soft === undefined) return null;
  return soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
}

function limits(): string {
  try {
    return readFileSync("/proc/self/limits", "utf8");
  } catch {
    return "";
  }
}
