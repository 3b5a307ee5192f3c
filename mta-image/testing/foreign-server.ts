/**
 * Exim, OpenSMTPD and Haraka as peers: each takes mail for example.net into a folder and relays all other mail to a
 * given port, with TLS where it is offered. The first two run in a file system of their own (tools/setup/peers.ts),
 * with a mount namespace in which the folder of the run is /mnt, so runs do not see one another. Needs root. `stop` ends
 * the server and removes the folder; a start that fails throws with what the server said.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, chown, copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type PeerName, peerFolder } from "../../tools/setup/peers.ts";

export interface ForeignServer {
  readonly port: number;
  /** Raw text of every message that it took for example.net. */
  messages(): Promise<readonly string[]>;
  /** What it has said and written down so far. */
  log(): Promise<string>;
  stop(): Promise<void>;
}

export interface ForeignOptions {
  readonly port: number;
  /** Where mail for other domains goes, on loopback. */
  readonly relayPort: number;
  readonly certificate: { readonly cert: string; readonly key: string };
  /** Exim relays nothing without having signed on so, within TLS; absent: nobody signs on. */
  readonly login?: { readonly username: string; readonly password: string };
}

export function hasPeer(name: PeerName): boolean {
  return existsSync(peerFolder(name)) && process.getuid?.() === 0;
}

export async function startForeignServer(name: PeerName, options: ForeignOptions): Promise<ForeignServer> {
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  await chmod(folder, 0o755);
  await writeFile(join(folder, "cert.pem"), options.certificate.cert);
  await writeFile(join(folder, "key.pem"), options.certificate.key, { mode: 0o640 });
  const child =
    name === "haraka" ? await startHaraka(folder, options) : await startInside(name, folder, options);
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const server: ForeignServer = {
    port: options.port,
    messages: () => readMessages(join(folder, "mail")),
    log: async () => said + (await readFile(join(folder, "log/main"), "utf8").catch(() => "")),
    stop: async () => {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      if (child.exitCode === null && (await killAll(child))) await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
  await listening(options.port).catch(async (error: unknown) => {
    await server.stop();
    throw new Error(`${name} does not listen: ${said}`, { cause: error });
  });
  return server;
}

async function startInside(
  name: "exim" | "opensmtpd",
  folder: string,
  options: ForeignOptions,
): Promise<ChildProcess> {
  const root = peerFolder(name);
  const owner = await userOf(root, name === "exim" ? "Debian-exim" : "nobody");
  for (const part of ["mail", "spool", "log"]) {
    await mkdir(join(folder, part));
    await chown(join(folder, part), owner.uid, owner.gid);
  }
  await writeFile(join(folder, "server.conf"), name === "exim" ? eximConf(options) : opensmtpdConf(options));
  if (name === "exim") await chown(join(folder, "key.pem"), owner.uid, owner.gid);
  const command = name === "exim" ? "exim4 -bdf -q5s -C /mnt/server.conf" : "smtpd -d -f /mnt/server.conf";
  // The server is the first of its own processes, so they all end with it.
  const script = [
    `mount --bind "${folder}" "${root}/mnt"`,
    `mount -t tmpfs tmpfs "${root}/run"`,
    ...(name === "opensmtpd" ? [`mount -t tmpfs -o mode=711 tmpfs "${root}/var/spool"`] : []),
    `mount -t proc proc "${root}/proc"`,
    `exec chroot "${root}" ${command}`,
  ].join(" && ");
  return spawn("unshare", ["--mount", "--pid", "--fork", "--kill-child=SIGKILL", "sh", "-c", script], {
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function eximConf({ port, relayPort, login }: ForeignOptions): string {
  const required = "  hosts_require_tls = *\n  hosts_require_auth = *\n";
  return `
primary_hostname = exim.example.test
spool_directory = /mnt/spool
log_file_path = /mnt/log/%s
log_selector = +subject
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${port}
tls_advertise_hosts = *
tls_certificate = /mnt/cert.pem
tls_privatekey = /mnt/key.pem
chunking_advertise_hosts = *
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept
begin acl
check_rcpt:
  deny local_parts = nobody
       message = nobody here
  accept
begin routers
store:
  driver = accept
  domains = example.net
  transport = store
relay:
  driver = manualroute
  route_list = * 127.0.0.1::${relayPort}
  self = send
  transport = relay
begin transports
store:
  driver = appendfile
  directory = /mnt/mail
  maildir_format
  user = Debian-exim
relay:
  driver = smtp
  hosts_try_chunking = *
  allow_localhost
${login === undefined ? "" : required}begin retry
* * F,1h,1s
${login === undefined ? "" : eximLogin(login)}`;
}

function eximLogin({ username, password }: NonNullable<ForeignOptions["login"]>): string {
  return `
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^${username}^${password}
`;
}

function opensmtpdConf({ port, relayPort }: ForeignOptions): string {
  return `
pki peer cert "/mnt/cert.pem"
pki peer key "/mnt/key.pem"
listen on 127.0.0.1 port ${port} tls pki peer
table nobodies { "nobody@example.net" }
action "store" maildir "/mnt/mail" virtual { "@" = nobody }
action "relay" relay host smtp://127.0.0.1:${relayPort}
match from any for rcpt-to <nobodies> reject
match from any for domain "example.net" action "store"
match from any for any action "relay"
`;
}

async function startHaraka(folder: string, { port, relayPort }: ForeignOptions): Promise<ChildProcess> {
  for (const part of ["config", "plugins", "mail", "queue"]) await mkdir(join(folder, part));
  const write = (path: string, text: string): Promise<void> => writeFile(join(folder, path), text);
  await write("config/smtp.ini", `listen=127.0.0.1:${port}\nnodes=0\n`);
  await copyFile(
    `${peerFolder("haraka")}/node_modules/Haraka/config/connection.ini`,
    join(folder, "config/connection.ini"),
  );
  await write("config/me", "haraka.example.test\n");
  await write("config/plugins", "tls\npeer\n");
  await write("config/tls.ini", `key=${folder}/key.pem\ncert=${folder}/cert.pem\n`);
  await write("config/outbound.ini", "enable_tls=true\nlocal_mx_ok=true\n");
  await write("plugins/peer.js", harakaPlugin(folder, relayPort));
  const entry = `${peerFolder("haraka")}/node_modules/Haraka/bin/haraka`;
  return spawn(process.execPath, [entry, "-c", folder], { stdio: ["ignore", "pipe", "pipe"], cwd: folder });
}

/** Its own plugin interface: everybody may relay, mail for example.net is written down, other mail goes to one port. */
function harakaPlugin(folder: string, relayPort: number): string {
  return `
const { createWriteStream, renameSync } = require('node:fs');
exports.hook_lookup_rdns = (next) => next(OK, 'localhost');
exports.hook_connect = (next, connection) => { connection.relaying = true; next(); };
exports.hook_rcpt = (next, connection, params) => {
  if (params[0].user === 'nobody') return next(DENY, 'nobody here');
  next(OK);
};
exports.hook_queue_outbound = (next, connection) => {
  const { transaction } = connection;
  if (transaction.rcpt_to[0].host !== 'example.net') return next();
  const path = '${folder}/mail/' + transaction.uuid;
  const file = createWriteStream(path + '.part');
  file.on('finish', () => { renameSync(path + '.part', path); next(OK); });
  transaction.message_stream.pipe(file);
};
exports.hook_get_mx = (next) => next(OK, { priority: 0, exchange: '127.0.0.1', port: ${relayPort} });
`;
}

async function readMessages(mail: string): Promise<readonly string[]> {
  const entries = await readdir(mail, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter(
    (entry) => entry.isFile() && !entry.name.endsWith(".part") && !entry.parentPath.endsWith("/tmp"),
  );
  return Promise.all(files.map((entry) => readFile(join(entry.parentPath, entry.name), "latin1")));
}

async function userOf(root: string, name: string): Promise<{ uid: number; gid: number }> {
  const line = (await readFile(join(root, "etc/passwd"), "utf8"))
    .split("\n")
    .find((text) => text.startsWith(`${name}:`));
  const [, , uid, gid] = (line ?? "").split(":");
  return { uid: Number(uid), gid: Number(gid) };
}

/** With the first process of a namespace all others of it end. Exim changes users, and so outlives who started it. */
async function killAll(child: ChildProcess): Promise<boolean> {
  const list = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").catch(() => "");
  for (const pid of list
    .trim()
    .split(" ")
    .filter((text) => text !== ""))
    process.kill(Number(pid), "SIGKILL");
  return child.kill("SIGKILL");
}

/** Node may take half a minute for Haraka's modules where others have the processors. */
const START_PATIENCE_MS = 120_000;

/** Resolves with the first greeting. */
async function listening(port: number): Promise<void> {
  const end = performance.now() + START_PATIENCE_MS;
  while (performance.now() < end) {
    const socket = connect(port, "127.0.0.1");
    const isThere = await new Promise<boolean>((resolve) => {
      socket.once("data", () => resolve(true));
      socket.once("error", () => resolve(false));
      socket.once("close", () => resolve(false));
      setTimeout(() => resolve(false), 5000).unref();
    });
    socket.destroy();
    if (isThere) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("nobody answers");
}
