/**
 * Mail servers that tests hold the engine against and that cannot stand beside Postfix on one Debian: each in a file
 * system of its own, made once and kept in the cache. Needs root. Rejects with what mmdebstrap or npm said.
 */
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";

import { run } from "../../e2e/peers/shell.ts";
import { cacheFolder } from "./programs.ts";

const SUITE = "bookworm";
const HARAKA = "3.3.4";

const makers = {
  /** With swaks beside it, which talks to servers like a person would. */
  exim: (folder: string) => debian(folder, ["exim4-daemon-light", "swaks", "libnet-ssleay-perl"]),
  opensmtpd: (folder: string) => debian(folder, ["opensmtpd"]),
  haraka: (folder: string) => npm(folder, `Haraka@${HARAKA}`),
} as const;

export type PeerName = keyof typeof makers;
export const peerNames = Object.keys(makers) as PeerName[];

export function peerFolder(name: PeerName): string {
  return `${cacheFolder()}/peers/${name}`;
}

export async function ensurePeer(name: PeerName, say: (line: string) => void): Promise<void> {
  const folder = peerFolder(name);
  if (existsSync(folder)) return;
  say(`${name} as a peer of tests, about 60 s`);
  await rm(`${folder}.part`, { recursive: true, force: true });
  await mkdir(`${cacheFolder()}/peers`, { recursive: true });
  await makers[name](`${folder}.part`);
  await rename(`${folder}.part`, folder);
}

async function debian(folder: string, packages: readonly string[]): Promise<void> {
  const args = ["--variant=minbase", `--include=${packages.join(",")}`, SUITE, folder];
  await run("mmdebstrap", args, { env: { DEBIAN_FRONTEND: "noninteractive" }, timeoutMs: 900_000 });
}

async function npm(folder: string, what: string): Promise<void> {
  await mkdir(folder);
  const args = ["install", "--prefix", folder, "--no-save", "--no-audit", "--no-fund", what];
  await run("npm", args, { timeoutMs: 900_000 });
}
