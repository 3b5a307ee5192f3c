/**
 * A real API server for the API tier, and a door to it for what the operator itself never does (namespaces, roles, the
 * scale subresource). It is the one that MAILFLEET_KUBECONFIG names; without it the tier is skipped.
 */
import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:https";

import { load } from "js-yaml";

import { type Access, findAccess } from "#operator/kube/access.ts";
import type { HttpKube } from "#operator/kube/http-kube.ts";

import { kubeAs } from "./live-manager.ts";

export interface ApiServer {
  readonly kubeconfig: string;
  /** Null where it cannot be read. */
  readonly auditLog: string | null;
}

export function apiServerFromEnvironment(): ApiServer | null {
  const kubeconfig = process.env["MAILFLEET_KUBECONFIG"];
  if (kubeconfig === undefined || kubeconfig === "") return null;
  return { kubeconfig, auditLog: process.env["MAILFLEET_AUDIT_LOG"] ?? null };
}

/** The client of the operator, as whoever the file names. */
export function kubeOf({ kubeconfig }: ApiServer): HttpKube {
  return kubeAs(null, kubeconfig);
}

export interface Reply {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export class Admin {
  readonly #access: Access;
  readonly #as: Readonly<Record<string, string>>;

  /** With a user, all calls are made as that one. */
  constructor(server: ApiServer, user?: string) {
    this.#access = findAccess(server.kubeconfig);
    this.#as = user === undefined ? {} : { "impersonate-user": user };
  }

  /** Server-side apply of one object at its path. */
  apply(path: string, object: unknown): Promise<Reply> {
    const query = "?fieldManager=test&force=true";
    return this.call("PATCH", `${path}${query}`, object, "application/apply-patch+yaml");
  }

  async call(method: string, path: string, body?: unknown, contentType = "application/json"): Promise<Reply> {
    const { headers, transport } = await this.#access.credentials();
    const tls = transport.type === "agent" ? transport.connect : {};
    // Node gives the body of a DELETE no length by itself, and the server would take it for the next request.
    const text = body === undefined ? "" : JSON.stringify(body);
    const length = { "content-length": Buffer.byteLength(text) };
    return new Promise((resolve, reject) => {
      const call = request(
        new URL(path, this.#access.server),
        {
          ...(tls as object),
          method,
          headers: { ...headers, ...this.#as, "content-type": contentType, ...length },
        },
        (response) => {
          let answer = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => (answer += chunk));
          response.on("end", () => resolve({ status: response.statusCode ?? 0, body: bodyOf(answer) }));
        },
      );
      call.on("error", reject);
      call.end(text);
    });
  }
}

/** A path that is not served yet is answered in plain text. */
function bodyOf(text: string): Record<string, unknown> {
  return text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : { message: text };
}

/** The CRDs of this checkout, served; and namespaces that are restricted, as production should be. */
export async function prepare(admin: Admin, namespaces: readonly string[]): Promise<void> {
  const crds = new URL("../../crds/generated/", import.meta.url);
  for (const file of readdirSync(crds).filter((name) => name.endsWith(".yaml"))) {
    const crd = readYaml(new URL(file, crds)) as { metadata: { name: string } };
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${crd.metadata.name}`;
    await applied(admin, path, crd);
  }
  for (const name of namespaces) {
    const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
    await applied(admin, `/api/v1/namespaces/${name}`, {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name, labels },
    });
  }
  for (let tries = 0; tries < 600; tries++) {
    const path = `/apis/mailfleet.io/v1alpha1/namespaces/${namespaces[0] ?? "default"}/mailclusters`;
    if ((await admin.call("GET", path)).status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the API server does not serve MailClusters");
}

async function applied(admin: Admin, path: string, object: unknown): Promise<void> {
  const { status, body } = await admin.apply(path, object);
  if (status >= 300) throw new Error(`${path}: ${status} ${String(body["message"])}`);
}

/** Writing requests of one user in the audit log, as "patch pods mail/out-0". */
export function writesIn(auditLog: string, user: string): readonly string[] {
  return eventsOf(auditLog, user)
    .filter(({ verb }) => !["get", "list", "watch"].includes(verb))
    .map(textOf);
}

/** Requests of one user that its rights did not allow. */
export function deniedIn(auditLog: string, user: string): readonly string[] {
  return eventsOf(auditLog, user)
    .filter((event) => event.responseStatus?.code === 403)
    .map(textOf);
}

function eventsOf(auditLog: string, user: string): readonly AuditEvent[] {
  return readFileSync(auditLog, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as AuditEvent)
    .filter((event) => (event.impersonatedUser?.username ?? event.user.username) === user);
}

function textOf({ verb, objectRef: ref }: AuditEvent): string {
  return `${verb} ${ref?.resource} ${ref?.namespace}/${ref?.name}`;
}

interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly impersonatedUser?: { readonly username: string };
  readonly responseStatus?: { readonly code: number };
  readonly objectRef?: { readonly resource: string; readonly namespace: string; readonly name: string };
}

export function readYaml(path: string | URL): Record<string, unknown> {
  return load(readFileSync(path, "utf8")) as Record<string, unknown>;
}
