/**
 * How mtactl reaches the engine: what it was told by flags and environment or, on the engine's own machine, what the
 * engine's smtpd.yaml says, so that nobody types an address there. Over HTTPS the engine's own certificate file is
 * what is trusted. Throws an Error whose text names the file that is missing or broken.
 */
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Agent } from "undici";

import { type StartupConfig, parseStartup } from "#contract/config.ts";
import { ports } from "#contract/runtime.ts";

export interface Access {
  readonly url: string;
  readonly token: string;
  /** Null over plain HTTP. */
  readonly agent: Agent | null;
}

export interface AccessFlags {
  readonly url: string | undefined;
  readonly tokenFile: string | undefined;
  /** smtpd.yaml. */
  readonly config: string;
}

type Admin = NonNullable<StartupConfig["admin"]>;

export async function findAccess(flags: AccessFlags): Promise<Access> {
  const admin = await readAdmin(flags);
  const tokenFile = flags.tokenFile ?? admin?.tokenfile;
  const token = tokenFile === undefined ? "" : (await readFile(tokenFile, "utf8")).trim();
  const scheme = admin?.tls === undefined ? "http" : "https";
  const url = flags.url ?? `${scheme}://${hostOf(admin)}:${admin?.listener.port ?? ports.admin}`;
  return { url, token, agent: url.startsWith("https:") ? await agentOf(admin) : null };
}

/** Null when there is no such file; what is told by flags then has to do. */
async function readAdmin({ config, url }: AccessFlags): Promise<Admin | null> {
  const text = await readFile(config, "utf8").catch(() => null);
  if (text === null) return null;
  const parsed = parseStartup(text);
  if (!parsed.ok) throw new Error(`${config}: ${parsed.problems[0]?.path}: ${parsed.problems[0]?.reason}`);
  const { admin } = parsed.value;
  if (admin === undefined && url === undefined) throw new Error(`${config} opens no admin API (key admin)`);
  return admin ?? null;
}

function hostOf(admin: Admin | null): string {
  const address = admin?.listener.address ?? "127.0.0.1";
  if (address === "0.0.0.0") return "127.0.0.1";
  if (address === "::") return "[::1]";
  return address.includes(":") ? `[${address}]` : address;
}

/** The name in the certificate is the cluster's, not this machine's: it is read from the certificate itself. */
async function agentOf(admin: Admin | null): Promise<Agent> {
  if (admin?.tls === undefined) return new Agent();
  const cert = await readFile(admin.tls.cert, "utf8");
  const ca = admin.tls.clientca === undefined ? cert : await readFile(admin.tls.clientca, "utf8");
  const servername = /DNS:([^,\s]+)/.exec(new X509Certificate(cert).subjectAltName ?? "")?.[1];
  return new Agent({ connect: { ca, ...(servername === undefined ? {} : { servername }) } });
}
