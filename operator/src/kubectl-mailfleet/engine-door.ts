/**
 * One pod's engine, through a forwarded port: TLS up to the engine itself, checked with the cluster's own authority, and
 * its token, both from the admin Secret, so whoever may read that Secret may ask engines. Answers are bounded and parsed by
 * the shared schemas. Rejects with a Failure in words for people.
 */
import { Agent, request } from "undici";
import type { z } from "zod";

import { Failure } from "#base/error.ts";
import { EngineStatus, QueuePage } from "#contract/admin-api.ts";
import { ports } from "#contract/runtime.ts";
import { type AdminMaterial, readAdminSecret } from "#operator/desired/admin-secret.ts";
import { adminSecretName, adminServerName } from "#operator/desired/names.ts";
import type { Secret } from "#operator/kube/objects.ts";

import type { Kubectl } from "./kubectl.ts";

const ANSWER_LIMIT_BYTES = 16 * 1024 * 1024;
/** In milliseconds. An engine answers from memory; the way to it goes through the API server. */
const DEADLINES = { headersTimeout: 15_000, bodyTimeout: 15_000 } as const;

export interface EngineDoor {
  status(pod: string): Promise<EngineStatus>;
  queue(pod: string, query: { readonly domain: string | null; readonly limit: number }): Promise<QueuePage>;
}

export async function openDoor(kubectl: Kubectl, namespace: string, cluster: string): Promise<EngineDoor> {
  const name = adminSecretName(cluster);
  const secret = await kubectl.json<Secret>("get", "secret", name, `--namespace=${namespace}`);
  const admin = readAdminSecret(secret);
  if (admin === null) throw new Failure("secret-broken", `the Secret ${name} does not hold what it should`);
  const door = { kubectl, namespace, admin, serverName: adminServerName(cluster, namespace) };
  return {
    status: (pod) => ask(door, pod, "/v1/status", EngineStatus),
    queue: (pod, { domain, limit }) => {
      const query = new URLSearchParams({ limit: String(limit) });
      if (domain !== null) query.set("recipientDomain", domain);
      return ask(door, pod, `/v1/queue?${query.toString()}`, QueuePage);
    },
  };
}

interface Door {
  readonly kubectl: Kubectl;
  readonly namespace: string;
  readonly admin: AdminMaterial;
  readonly serverName: string;
}

async function ask<T extends z.ZodType>(
  door: Door,
  pod: string,
  path: string,
  schema: T,
): Promise<z.output<T>> {
  const { kubectl, namespace, admin, serverName } = door;
  const forward = await kubectl.forward(namespace, pod, ports.admin);
  const agent = new Agent({
    connect: { ca: admin.ca, servername: serverName },
    maxResponseSize: ANSWER_LIMIT_BYTES,
  });
  try {
    const headers = { authorization: `Bearer ${admin.token}` };
    const url = `https://127.0.0.1:${forward.port}${path}`;
    const answer = await request(url, { dispatcher: agent, headers, ...DEADLINES });
    const parsed = schema.safeParse(await answer.body.json());
    if (answer.statusCode === 200 && parsed.success) return parsed.data;
    throw new Failure(
      "engine-broken",
      `${pod}: the engine answered ${answer.statusCode} in a form that is not known`,
    );
  } finally {
    await agent.destroy();
    forward.close();
  }
}
