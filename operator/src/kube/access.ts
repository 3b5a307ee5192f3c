/**
 * Where the API server is and who we are. client-node's KubeConfig does the work: files, contexts, the pod's own
 * service account (its token is read again every minute), exec plugins, OIDC. This file asks it before each call and
 * tells connection.ts whether the TLS material is still the same, so that sockets are kept while it is.
 * A kubeconfig that cannot be used throws a Failure `kubeconfig-unusable`; credentials that cannot be had for the
 * moment reject with a KubeFailure "refused" (transient: a file may be in the middle of a swap).
 */
import type { RequestOptions } from "node:https";

// Not the package's index: that loads the generated clients of every API group into memory.
import { type DispatcherOptions, KubeConfig } from "@kubernetes/client-node/dist/config.js";

import { describe, Failure } from "#base/error.ts";

import { KubeFailure } from "./errors.ts";

export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  /** The same object as long as CA, client certificate and key are the same. */
  readonly transport: DispatcherOptions;
}

export interface Access {
  /** Origin and optional path prefix. */
  readonly server: string;
  /** The namespace of the context or of the pod, or null. */
  readonly namespace: string | null;
  credentials(): Promise<Credentials>;
}

/** `path` null: KUBECONFIG, ~/.kube/config, or what a pod is given, in this order. */
export function findAccess(path: string | null): Access {
  const config = new KubeConfig();
  try {
    if (path === null) config.loadFromDefault();
    else config.loadFromFile(path);
  } catch (error) {
    throw unusable(`${path ?? "the kubeconfig"}: ${describe(error)}`);
  }
  return accessOf(config);
}

export function accessOf(config: KubeConfig): Access {
  const cluster = config.getCurrentCluster();
  const user = config.getCurrentUser();
  const context = config.getContextObject(config.getCurrentContext());
  if (cluster === null || user === null || context === null) {
    throw unusable(`context "${config.getCurrentContext()}" names no cluster and user that exist`);
  }
  refusePlainText(cluster.server);
  let known: DispatcherOptions | null = null;
  return {
    server: cluster.server,
    namespace: context.namespace?.trim() ?? null,
    async credentials() {
      const request = await ask(config);
      const { ca, cert, key, passphrase, pfx, rejectUnauthorized, servername } = request;
      const tls = { ca, cert, key, passphrase, pfx, rejectUnauthorized, servername };
      const fresh = config.createDispatcherOptions(cluster, tls);
      if (known === null || !isSame(known, fresh)) known = fresh;
      return { headers: headersOf(request), transport: known };
    },
  };
}

async function ask(config: KubeConfig): Promise<RequestOptions> {
  const request: RequestOptions = { headers: {} };
  try {
    await config.applyToHTTPSOptions(request);
  } catch (error) {
    const message = `no credentials for the API server: ${describe(error)}`;
    throw new KubeFailure("refused", message, { transient: true, cause: error });
  }
  return request;
}

function headersOf(request: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers ?? {})) headers[name] = String(value).trim();
  if (typeof request.auth === "string") {
    headers["Authorization"] = `Basic ${Buffer.from(request.auth).toString("base64")}`;
  }
  return headers;
}

/** Certificates and keys are a few KiB: comparing them for each call costs less than one TLS record. */
function isSame(a: DispatcherOptions, b: DispatcherOptions): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Credentials must not cross a network in the clear; a proxy on this machine is fine. */
function refusePlainText(server: string): void {
  const { protocol, hostname } = new URL(server);
  const isLocal = hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
  if (protocol === "https:" || (protocol === "http:" && isLocal)) return;
  throw unusable(`the API server's address ${server} is not https`);
}

function unusable(reason: string): Failure {
  return new Failure("kubeconfig-unusable", `cannot reach a cluster: ${reason}`, { transient: false });
}
