/**
 * Where the API server is and who we are, read from a kubeconfig file or from what a pod is given. The grammar of
 * clusters, users and contexts is client-node's; its KubeConfig class is not used because importing it loads the
 * whole generated API (80 MB of memory). Reading happens once; what may change later (token, CA, certificate
 * files) is kept as a path and read by credentials.ts. A file that cannot be used throws a Failure that names it.
 */
import { readFileSync } from "node:fs";
import { isIPv6 } from "node:net";
import { dirname, resolve } from "node:path";

import {
  type Cluster,
  newClusters,
  newContexts,
  newUsers,
  type User,
} from "@kubernetes/client-node/dist/config_types.js";
import { load } from "js-yaml";

import { describe, Failure } from "#base/error.ts";

/** Bytes given inline, or a file that is read again from time to time. */
export type Material =
  | { readonly kind: "inline"; readonly data: Buffer }
  | { readonly kind: "file"; readonly path: string };

export interface AccessDescription {
  /** Origin and optional path prefix without a slash at the end. */
  readonly server: string;
  /** The namespace of the context or of the pod, or null. */
  readonly namespace: string | null;
  readonly ca: Material | null;
  readonly certificate: Material | null;
  readonly key: Material | null;
  readonly token: Material | null;
  /** A user whose credential comes from an exec plugin, or null. */
  readonly exec: User | null;
  readonly basic: { readonly username: string; readonly password: string } | null;
  readonly serverName: string | null;
  readonly skipVerify: boolean;
  readonly proxyUrl: string | null;
}

export type AccessSource =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "in-cluster"; readonly host: string; readonly port: string };

/** Where a pod finds its service account (fixed by Kubernetes). */
const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

export function describeAccess(source: AccessSource): AccessDescription {
  const description = source.kind === "file" ? fromFile(source.path) : fromPod(source.host, source.port);
  refusePlainText(description.server);
  return description;
}

/** Credentials must not cross a network in the clear; a proxy on this machine is fine. */
function refusePlainText(server: string): void {
  const url = new URL(server);
  if (url.protocol === "https:") return;
  const host = url.hostname;
  if (url.protocol === "http:" && (host === "localhost" || host === "[::1]" || host.startsWith("127.")))
    return;
  throw unusable(`the API server's address ${server} is not https`);
}

function fromPod(host: string, port: string): AccessDescription {
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    namespace: readTrimmed(`${SERVICE_ACCOUNT}/namespace`),
    ca: { kind: "file", path: `${SERVICE_ACCOUNT}/ca.crt` },
    certificate: null,
    key: null,
    token: { kind: "file", path: `${SERVICE_ACCOUNT}/token` },
    exec: null,
    basic: null,
    serverName: null,
    skipVerify: false,
    proxyUrl: null,
  };
}

function fromFile(path: string): AccessDescription {
  const config = parse(path);
  const directory = dirname(path);
  const contextName = String(config["current-context"] ?? "");
  const context = newContexts(config["contexts"]).find((candidate) => candidate.name === contextName);
  if (context === undefined) throw unusable(`${path}: there is no context named "${contextName}"`);
  const cluster = newClusters(config["clusters"]).find((candidate) => candidate.name === context.cluster);
  if (cluster === undefined) throw unusable(`${path}: there is no cluster named "${context.cluster}"`);
  const user = usersOf(config, directory).find((candidate) => candidate.name === context.user);
  if (user === undefined) throw unusable(`${path}: there is no user named "${context.user}"`);
  return combine({ path, directory, cluster, user, namespace: context.namespace ?? null });
}

type KubeconfigUser = User & { readonly tokenFile?: string };

/** client-node reads tokenFile once and forgets its path; a rotated token needs the path. */
function usersOf(config: Record<string, unknown>, directory: string): readonly KubeconfigUser[] {
  const raw = Array.isArray(config["users"]) ? (config["users"] as { user?: Record<string, unknown> }[]) : [];
  const tokenFiles = raw.map((entry) => entry?.user?.["tokenFile"]);
  const withoutFiles = raw.map((entry) => {
    const { tokenFile: _, ...user } = entry?.user ?? {};
    return { ...entry, user };
  });
  return newUsers(withoutFiles).map((user, index) => {
    const file = tokenFiles[index];
    return typeof file === "string" ? { ...user, tokenFile: resolve(directory, file) } : user;
  });
}

function combine(parts: {
  path: string;
  directory: string;
  cluster: Cluster;
  user: KubeconfigUser;
  namespace: string | null;
}): AccessDescription {
  const { cluster, user, directory } = parts;
  if (user.authProvider !== undefined && user.authProvider !== null) {
    throw unusable(
      `${parts.path}: user "${user.name}" uses auth-provider; use an exec plugin, a token or a certificate`,
    );
  }
  if (cluster.proxyUrl !== undefined && !/^https?:/.test(cluster.proxyUrl)) {
    throw unusable(`${parts.path}: proxy-url ${cluster.proxyUrl} is not http or https`);
  }
  return {
    server: cluster.server,
    namespace: parts.namespace,
    ca: material(directory, cluster.caFile, cluster.caData),
    certificate: material(directory, user.certFile, user.certData),
    key: material(directory, user.keyFile, user.keyData),
    token: tokenOf(user),
    exec: user.exec === undefined || user.exec === null ? null : user,
    basic: user.username === undefined ? null : { username: user.username, password: user.password ?? "" },
    serverName: cluster.tlsServerName ?? null,
    skipVerify: cluster.skipTLSVerify,
    proxyUrl: cluster.proxyUrl ?? null,
  };
}

function tokenOf(user: KubeconfigUser): Material | null {
  if (user.tokenFile !== undefined) return { kind: "file", path: user.tokenFile };
  return user.token === undefined ? null : { kind: "inline", data: Buffer.from(user.token) };
}

function material(directory: string, file: string | undefined, data: string | undefined): Material | null {
  if (file !== undefined) return { kind: "file", path: resolve(directory, file) };
  return data === undefined ? null : { kind: "inline", data: Buffer.from(data, "base64") };
}

function parse(path: string): Record<string, unknown> {
  let config: unknown;
  try {
    config = load(readFileSync(path, "utf8"));
  } catch (error) {
    throw unusable(`${path}: ${describe(error)}`);
  }
  if (typeof config !== "object" || config === null) throw unusable(`${path}: not a kubeconfig`);
  return config as Record<string, unknown>;
}

function readTrimmed(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null; // Only a default for the lease's namespace; options.ts asks for it where it is missing.
  }
}

function unusable(reason: string): Failure {
  return new Failure("kubeconfig-unusable", `cannot reach a cluster: ${reason}`, { transient: false });
}
