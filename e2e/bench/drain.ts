/**
 * Messages a second that one engine hands over to another, two processes on loopback with TLS between them, each message
 * durable at the taker before the giver forgets it:
 *
 *   node e2e/bench/drain.ts [messages]
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import type { EngineStatus } from "#contract/admin-api.ts";

import { freePort } from "../peers/free-port.ts";
import { makeServerKeys } from "../faults/server-keys.ts";
import { sendWithSmtpSource } from "../peers/smtp-source.ts";

const messages = Number(process.argv[2] ?? 20_000);
const TOKEN = "a-token-that-is-long-enough-for-a-bench";

interface Engine {
  readonly smtp: number;
  readonly admin: number;
  stop(): Promise<void>;
}

const folder = await mkdtemp(join(tmpdir(), "bench-drain-"));
const keys = await makeServerKeys("127.0.0.1", null);
await writeFile(join(folder, "cert.pem"), keys.cert);
await writeFile(join(folder, "key.pem"), keys.key, { mode: 0o600 });
await writeFile(join(folder, "token"), TOKEN, { mode: 0o600 });
const engines: Engine[] = [];
try {
  const [giver, taker] = [await start("giver"), await start("taker")];
  await sendWithSmtpSource({
    address: "127.0.0.1",
    port: giver.smtp,
    messages,
    connections: 40,
    sizeBytes: 4096,
    sender: "a@example.org",
    recipient: "b@example.net",
    numbered: true,
  });
  const before = (await status(taker)).queue.total;
  const started = performance.now();
  const peer = { name: "taker", url: `https://127.0.0.1:${taker.admin}`, servername: "localhost" };
  await ask(giver, "POST", "/v1/drain", { mode: "Drain", peers: [peer] });
  let left = await status(giver);
  while (left.queue.total > 0) {
    await wait(20);
    left = await status(giver);
  }
  const seconds = (performance.now() - started) / 1000;
  const came = (await status(taker)).queue.total - before;
  process.stdout.write(
    `${came} of ${messages} messages of 4096 bytes in ${seconds.toFixed(2)} s: ${Math.round(came / seconds)} a second (load ${loadavg()[0]?.toFixed(1)})\n`,
  );
} finally {
  await Promise.all(engines.map((engine) => engine.stop()));
  await rm(folder, { recursive: true, force: true });
}

/** Nobody takes its mail, and it does not try again before the bench is over. */
async function start(name: string): Promise<Engine> {
  const [smtp, admin, monitor] = [await freePort(), await freePort(), await freePort()];
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const startup = {
    servers: [{ id: "smtp", listeners: [{ port: smtp, address: "127.0.0.1" }] }],
    spool: { path: join(folder, name, "spool") },
    monitor: { listener: { port: monitor, address: "127.0.0.1" } },
    admin: {
      listener: { port: admin, address: "127.0.0.1" },
      tokenfile: join(folder, "token"),
      tls: { cert, key, clientca: cert },
    },
    environment: { loglevel: "warn" },
  };
  const retry = { count: 10, intervals: [{ interval: 3600 }] };
  const app = {
    servers: [{ id: "smtp", transport: "default" }],
    transportgroups: [
      { id: "default", connection: { server: "127.0.0.1:1" }, retry, transports: [{ id: "default" }] },
    ],
  };
  await writeFile(join(folder, `${name}.yaml`), JSON.stringify(startup));
  await writeFile(join(folder, "smtpd-app.yaml"), JSON.stringify(app));
  const program = new URL("../../mta-image/bin/smtpd", import.meta.url).pathname;
  const child = spawn(program, ["-c", join(folder, `${name}.yaml`)], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = (): Promise<void> => {
    child.kill("SIGKILL");
    return gone;
  };
  engines.push({ smtp, admin, stop });
  for (let tries = 0; tries < 400; tries++) {
    const answer = await fetch(`http://127.0.0.1:${monitor}/ready`).catch(() => null);
    if (answer?.ok === true) return { smtp, admin, stop };
    await wait(50);
  }
  throw new Error(`${name} does not become ready`);
}

async function status(engine: Engine): Promise<EngineStatus> {
  return (await ask(engine, "GET", "/v1/status")) as EngineStatus;
}

function ask({ admin }: Engine, method: string, path: string, body?: unknown): Promise<unknown> {
  const text = body === undefined ? "" : JSON.stringify(body);
  const headers = {
    authorization: `Bearer ${TOKEN}`,
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
  };
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", servername: "localhost", port: admin, ca: keys.cert, method, path };
    const call = request({
      ...options,
      headers: method === "GET" ? { authorization: headers.authorization } : headers,
    });
    call.once("response", (response) => {
      let answer = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (answer += chunk));
      response.on("end", () =>
        response.statusCode === 200
          ? resolve(JSON.parse(answer))
          : reject(new Error(`${path}: ${response.statusCode} ${answer}`)),
      );
    });
    call.once("error", reject).end(text);
  });
}
