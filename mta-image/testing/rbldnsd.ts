/**
 * A real rbldnsd that serves every list of Spamhaus' under a key of our own, from the data in
 * src/spamhaus/testdata/zones. `start` rejects when the program is not installed or does not answer; in another
 * network namespace, whoever asks finds out.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { freePort } from "../../e2e/peers/free-port.ts";
import { until } from "./until.ts";

const folder = fileURLToPath(new URL("../src/spamhaus/testdata/zones/", import.meta.url));
const PROGRAM = "/usr/sbin/rbldnsd";

/** Files of a zone with the kind of rbldnsd. */
const zones = [
  ["zen", "ip4set", "sbl"],
  ["zen", "ip4set", "xbl-pbl"],
  ["zen", "ip6trie", "zen6"],
  ["authbl", "ip4set", "authbl"],
  ["dbl", "dnset", "dbl"],
  ["zrd", "dnset", "zrd"],
  ["hbl", "dnset", "hbl"],
] as const;

export interface Rbldnsd {
  /** "127.0.0.1:port". */
  readonly server: string;
  stop(): Promise<void>;
}

export function hasRbldnsd(): boolean {
  return existsSync(PROGRAM);
}

/** Where it listens: an address, and the network namespace that has it. */
export interface Place {
  readonly address: string;
  /** Null: the present one. */
  readonly namespace: string | null;
  readonly port?: number;
}

/** `refused` are keys that answer 127.255.255.250 to everything. */
export async function startRbldnsd(
  keys: readonly string[],
  refused: readonly string[] = [],
  place: Place = { address: "127.0.0.1", namespace: null },
): Promise<Rbldnsd> {
  const { address, namespace, port = await freePort() } = place;
  // It does not run as root, so the data must stand where anybody may read.
  const data = await mkdtemp(join(tmpdir(), "rbldnsd-"));
  await cp(folder, data, { recursive: true });
  await chmod(data, 0o755);
  const user = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
  const served = keys.flatMap((key) => zones.map(([list, kind, file]) => zone(key, list, kind, file)));
  const disabled = refused.flatMap((key) => [
    ...["zen", "authbl"].map((list) => zone(key, list, "ip4set", "refused-addresses")),
    ...["dbl", "zrd", "hbl"].map((list) => zone(key, list, "dnset", "refused-names")),
  ]);
  const options = ["-n", ...user, "-w", data, "-b", `${address}/${port}`, "-f"];
  const enter = namespace === null ? [] : ["nsenter", `--net=/run/netns/${namespace}`];
  const [program = PROGRAM, ...args] = [...enter, PROGRAM, ...options, ...served, ...disabled];
  const child = spawn(program, args, { stdio: "ignore" });
  const server = `${address}:${port}`;
  if (namespace === null) await answers(server, keys[0] ?? "", child);
  const stop = async (): Promise<void> => {
    child.kill();
    await once(child, "exit");
    await rm(data, { recursive: true });
  };
  return { server, stop };
}

function zone(key: string, list: string, kind: string, file: string): string {
  return `${key}.${list}.dq.spamhaus.net:${kind}:${file}`;
}

async function answers(server: string, key: string, child: ChildProcess): Promise<void> {
  const resolver = new Resolver({ timeout: 200, tries: 1 });
  resolver.setServers([server]);
  const name = `dbltest.com.${key}.dbl.dq.spamhaus.net`;
  await until(
    () =>
      child.exitCode === null
        ? resolver.resolve4(name).catch(() => [])
        : Promise.reject(new Error("rbldnsd ended")),
    (records) => records.length > 0,
  );
}
