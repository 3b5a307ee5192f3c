/**
 * A real Postfix instance of its own (own folders, own port) as a peer: it takes mail into a Maildir, so that
 * every message can be counted and read, or relays what its sendmail(1) is given to a host of ours.
 * Needs Debian's postfix package and root. `stop` ends it and removes its folder; a start that fails throws
 * with what Postfix logged.
 */
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { run, tryRun } from "./shell.ts";

export interface PostfixOptions {
  readonly address: string;
  readonly port: number;
  readonly namespace?: string | null;
  /** Domains that end here, in one Maildir for all addresses. */
  readonly domains: readonly string[];
  /** "[host]:port" that everything else goes to; without it other domains are refused. */
  readonly relayHost?: string;
  /** Further lines of main.cf, e.g. TLS keys. */
  readonly settings?: readonly string[];
}

export interface Postfix {
  readonly address: string;
  readonly port: number;
  /** Raw text of every message in the Maildir. */
  messages(): Promise<readonly string[]>;
  count(): Promise<number>;
  /** Hands a message to sendmail(1) of this instance. */
  submit(sender: string, recipient: string, message: string): Promise<void>;
  log(): Promise<string>;
  stop(): Promise<void>;
}

const DAEMONS = "/usr/lib/postfix/sbin";

export async function startPostfix(options: PostfixOptions): Promise<Postfix> {
  const root = await mkdtemp(join(tmpdir(), "postfix-"));
  await chmod(root, 0o755);
  await prepare(root, options);
  const where = { namespace: options.namespace ?? null };
  const result = await tryRun("postfix", ["-c", `${root}/etc`, "start"], where);
  if (result.code !== 0) throw new Error(`postfix did not start: ${result.stderr}\n${await readLog(root)}`);
  const maildir = join(root, "mail", "new");
  const names = (): Promise<string[]> => readdir(maildir).catch(() => []);
  return {
    address: options.address,
    port: options.port,
    messages: async () => Promise.all((await names()).map((name) => readFile(join(maildir, name), "latin1"))),
    count: async () => (await names()).length,
    submit: async (sender, recipient, message) => {
      await run("sendmail", ["-i", "-C", `${root}/etc`, "-f", sender, recipient], {
        ...where,
        input: message,
      });
    },
    log: () => readLog(root),
    stop: async () => {
      await tryRun("postfix", ["-c", `${root}/etc`, "stop"], where);
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function prepare(root: string, options: PostfixOptions): Promise<void> {
  const owner = await ids("postfix");
  for (const folder of ["etc", "queue", "data", "mail"]) await mkdir(join(root, folder));
  await chown(join(root, "data"), owner.uid, owner.gid);
  await chown(join(root, "mail"), owner.uid, owner.gid);
  await writeFile(join(root, "etc/main.cf"), mainCf(root, owner, options));
  await writeFile(join(root, "etc/master.cf"), masterCf(options));
}

function mainCf(root: string, owner: { uid: number; gid: number }, options: PostfixOptions): string {
  const lines = [
    "compatibility_level = 3.6",
    `queue_directory = ${root}/queue`,
    `data_directory = ${root}/data`,
    `daemon_directory = ${DAEMONS}`,
    "command_directory = /usr/sbin",
    "mail_owner = postfix",
    "setgid_group = postdrop",
    "myhostname = postfix.example.test",
    "mydestination =",
    "alias_maps =",
    "inet_protocols = ipv4",
    `inet_interfaces = ${options.address}`,
    "mynetworks = 0.0.0.0/0",
    "smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination",
    "smtpd_client_connection_count_limit = 0",
    "default_process_limit = 200",
    "smtputf8_enable = yes",
    `virtual_mailbox_domains = ${options.domains.join(", ")}`,
    `virtual_mailbox_base = ${root}`,
    "virtual_mailbox_maps = static:mail/",
    `virtual_uid_maps = static:${owner.uid}`,
    `virtual_gid_maps = static:${owner.gid}`,
    `virtual_minimum_uid = 1`,
    `maillog_file = ${root}/data/log`,
    `maillog_file_prefixes = ${root}`,
    options.relayHost === undefined
      ? "default_transport = error:no route"
      : `relayhost = ${options.relayHost}`,
    ...(options.settings ?? []),
  ];
  return `${lines.join("\n")}\n`;
}

/** The services of Debian's master.cf that taking, relaying and storing mail need; nothing in a chroot. */
function masterCf(options: PostfixOptions): string {
  const internal = [
    "cleanup unix n - n - 0 cleanup",
    "qmgr unix n - n 300 1 qmgr",
    "tlsmgr unix - - n 1000? 1 tlsmgr",
    "rewrite unix - - n - - trivial-rewrite",
    "bounce unix - - n - 0 bounce",
    "defer unix - - n - 0 bounce",
    "trace unix - - n - 0 bounce",
    "verify unix - - n - 1 verify",
    "flush unix n - n 1000? 0 flush",
    "proxymap unix - - n - - proxymap",
    "smtp unix - - n - - smtp",
    "relay unix - - n - - smtp",
    "error unix - - n - - error",
    "retry unix - - n - - error",
    "virtual unix - n n - - virtual",
    "anvil unix - - n - 1 anvil",
    "scache unix - - n - 1 scache",
    "postlog unix-dgram n - n - 1 postlogd",
    "pickup unix n - n 60 1 pickup",
    "showq unix n - n - - showq",
  ];
  return `${options.address}:${options.port} inet n - n - - smtpd\n${internal.join("\n")}\n`;
}

async function ids(userName: string): Promise<{ uid: number; gid: number }> {
  const [uid, gid] = await Promise.all([run("id", ["-u", userName]), run("id", ["-g", userName])]);
  return { uid: Number(uid), gid: Number(gid) };
}

async function readLog(root: string): Promise<string> {
  return readFile(join(root, "data/log"), "utf8").catch(() => "");
}
