/**
 * Messages a second that one process takes with every list of Spamhaus' asked and the answers in its cache, against the
 * same process without. The client has a public address in a network namespace of the benchmark's own, every message
 * has URLs, an address and an attachment, and rbldnsd answers. Both take turns; what is printed are medians, and the
 * processor time of both, which other work on the machine disturbs less.
 *
 *   node mta-image/bench/spamhaus-accept.bench.ts [rounds] [messages]        (needs root, postfix and rbldnsd)
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { startRbldnsd } from "../testing/rbldnsd.ts";

const INSIDE = "MAILFLEET_BENCH_INSIDE";
const CLIENT = "192.0.2.10";
const KEY = "abcdefghijklmnopqrstuvwxyz";
const CONNECTIONS = 20;
const rounds = Number(process.argv[2] ?? 5);
const messages = Number(process.argv[3] ?? 3000);

/** The same program in a network of its own, where the client's address is this machine's. */
function enter(): void {
  const set = `ip link set lo up && ip address add ${CLIENT}/32 dev lo && exec "$@"`;
  const { status } = spawnSync(
    "unshare",
    ["-n", "sh", "-c", set, "sh", process.execPath, ...process.argv.slice(1)],
    {
      stdio: "inherit",
      env: { ...process.env, [INSIDE]: "1" },
    },
  );
  process.exitCode = status ?? 1;
}

async function measureAll(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "bench-spamhaus-"));
  const daemon = await startRbldnsd([KEY]);
  const sink = spawn("smtp-sink", ["-u", "nobody", "127.0.0.1:2600", "1024"], { stdio: "ignore" });
  await writeFile(join(folder, "message"), message);
  await writeFile(join(folder, "key"), KEY);
  const lists = ["zen", "authbl", "dbl", "zrd", "hbl"];
  const cache = { negative: "5m" };
  const spamhaus = { keyfile: join(folder, "key"), resolvers: [daemon.server], lists, cache };
  const engines: Engine[] = [];
  try {
    const subjects = [
      { name: "without", port: 2501, figures: [] as number[] },
      { name: "all lists", port: 2502, figures: [] as number[] },
    ];
    for (const { name, port } of subjects)
      engines.push(await startEngine(folder, port, name === "without" ? {} : { spamhaus }));
    for (const { port } of subjects) await send(folder, port, messages); // Caches and the compiler get warm.
    const before = await Promise.all(engines.map(({ cpuMs }) => cpuMs()));
    for (let round = 0; round < rounds; round++) {
      for (const subject of subjects) subject.figures.push(await send(folder, subject.port, messages));
    }
    print(subjects);
    const after = await Promise.all(engines.map(({ cpuMs }) => cpuMs()));
    const [off = 0, on = 0] = after.map(
      (cpuMs, i) => ((cpuMs - (before[i] ?? 0)) * 1000) / (rounds * messages),
    );
    process.stdout.write(
      `processor time a message, accepting and delivering: ${off.toFixed(0)} µs without, ${on.toFixed(0)} µs with all lists\n`,
    );
    const text = await (await fetch("http://127.0.0.1:3502/metrics")).text();
    for (const line of text.split("\n").filter((one) => /^mta_spamhaus_(queries|cache_hits)/.test(one)))
      process.stdout.write(`${line}\n`);
  } finally {
    for (const { stop } of engines) await stop();
    sink.kill("SIGKILL");
    await daemon.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

const message = [
  "From: Somebody <somebody@good.example>",
  "Subject: benchmark",
  "Content-Type: multipart/mixed; boundary=b",
  "",
  "--b",
  "Content-Type: text/html",
  "",
  '<a href="https://www.one.example/path?x=1">one</a> <a href="http://two.example/">two</a> mail@three.example',
  "Words that say nothing, to make a message of the usual size.\n".repeat(24),
  "--b",
  "Content-Type: application/pdf; name=a.pdf",
  "Content-Transfer-Encoding: base64",
  "",
  Buffer.alloc(1500, "a pdf of no meaning")
    .toString("base64")
    .replace(/(.{76})/g, "$1\n"),
  "--b--",
  "",
].join("\n");

interface Engine {
  /** User and system, of all its threads. */
  cpuMs(): Promise<number>;
  stop(): Promise<void>;
}

async function startEngine(folder: string, port: number, extra: object): Promise<Engine> {
  const home = join(folder, String(port));
  const monitor = port + 1000;
  const startup = {
    servers: [{ id: "smtp", listeners: [{ port, address: CLIENT }] }],
    spool: { path: join(home, "spool") },
    monitor: { listener: { port: monitor, address: "127.0.0.1" } },
    environment: { loglevel: "error", appconf: `app-${port}.yaml` },
  };
  const app = {
    servers: [{ id: "smtp", transport: "default", relaynetworks: [], relaydomains: ["example.net"] }],
    transportgroups: [
      { id: "default", connection: { server: "127.0.0.1:2600" }, transports: [{ id: "default" }] },
    ],
    ...extra,
  };
  await writeFile(join(folder, `smtpd-${port}.yaml`), JSON.stringify(startup));
  await writeFile(join(folder, `app-${port}.yaml`), JSON.stringify(app));
  const program = new URL("../bin/smtpd", import.meta.url).pathname;
  const child = spawn(program, ["-c", join(folder, `smtpd-${port}.yaml`)], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  for (let tries = 0; tries < 400; tries++) {
    const answer = await fetch(`http://127.0.0.1:${monitor}/ready`).catch(() => null);
    if (answer?.ok === true) break;
    await wait(50);
  }
  return {
    async cpuMs() {
      const stat = await readFile(`/proc/${child.pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return (Number(fields[11]) + Number(fields[12])) * 10; // A tick is 10 ms.
    },
    async stop() {
      child.kill("SIGTERM");
      await gone;
    },
  };
}

/** Messages a second until the last 250. Rejects when one got none. */
function send(folder: string, port: number, count: number): Promise<number> {
  const args = ["-m", String(count), "-s", String(CONNECTIONS), "-F", join(folder, "message")];
  const envelope = ["-f", "somebody@good.example", "-t", "user@example.net", "-d", `${CLIENT}:${port}`];
  const started = performance.now();
  const child = spawn("smtp-source", [...args, ...envelope], { stdio: ["ignore", "ignore", "inherit"] });
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => {
      if (code === 0) resolve((count * 1000) / (performance.now() - started));
      else reject(new Error(`smtp-source ended with ${code}`));
    });
  });
}

function print(subjects: readonly { readonly name: string; readonly figures: readonly number[] }[]): void {
  const medians = subjects.map(({ name, figures }) => {
    const sorted = figures.toSorted((a, b) => a - b).map(Math.round);
    const median = sorted[sorted.length >> 1] ?? 0;
    process.stdout.write(`${name}: ${median} messages/s (${sorted[0]} to ${sorted.at(-1)})\n`);
    return median;
  });
  const [off = 1, on = 0] = medians;
  const load = loadavg()[0]?.toFixed(1);
  process.stdout.write(`ratio ${((on * 100) / off).toFixed(0)} %, ${message.length} bytes, load ${load}\n`);
}

if (process.env[INSIDE] === undefined) enter();
else await measureAll();
