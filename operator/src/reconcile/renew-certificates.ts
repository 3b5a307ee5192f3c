/**
 * Listeners' certificates are renewed by others, in Secrets that are mounted into the pods. Engines read them when they
 * take a configuration, so after a change each gets the one that it runs once more, when nodes have had the time to
 * bring the new files to it. What was renewed while no operator looked is caught by doing so once after a start.
 *
 * Each Secret is watched by its name and no other of the namespace, so that a renewal is noticed at once and nothing is asked
 * meanwhile. An engine that cannot use the new files says so and goes on with the old ones. Never rejects for what an
 * engine does.
 */
import { describe } from "#base/error.ts";
import { reloadableFiles, type RenderedConfig } from "#operator/desired/engine-config.ts";
import { hashValue } from "#operator/desired/hash.ts";
import type { ObservedPod } from "#operator/slots/observed.ts";

import type { Judgement } from "./judge.ts";
import { addressOf, type Observed } from "./observe.ts";
import { again, done, type Result } from "./result.ts";
import type { Tools } from "./tools.ts";

/** Nodes look at mounted Secrets about once a minute, and may do so with a copy that is a minute old. */
const NODES_SYNC_MS = 130_000;

export async function renewCertificates(
  tools: Tools,
  observed: Observed,
  { push }: Judgement,
): Promise<Result> {
  const names = [...new Set(observed.spec.listeners.flatMap(({ tls }) => tls?.secretName ?? []))];
  if (names.length === 0 || observed.deletion !== null) {
    tools.certificateWatches.forget(observed.key);
    return done;
  }
  const memory = tools.memory.of(observed.key);
  const now = tools.clock.monotonic();
  const hash = await hashOf(tools, observed, names);
  if (memory.certificates?.hash !== hash) memory.certificates = { hash, dueAt: now + NODES_SYNC_MS };
  const { dueAt } = memory.certificates;
  if (dueAt === null) return done;
  if (now < dueAt) return again(dueAt - now, "renewed certificates are on their way to the pods");
  memory.certificates = { hash, dueAt: null };
  if (push !== null)
    await Promise.all(running(observed, push.config).map((pod) => reload(tools, observed, pod, push.config)));
  return done;
}

async function hashOf(tools: Tools, { key }: Observed, names: readonly string[]): Promise<string> {
  const secrets = await tools.certificateWatches.readAll(key, names);
  return hashValue(secrets.map((secret) => [secret?.data?.["tls.crt"], secret?.data?.["tls.key"]]));
}

/** Others get a configuration anyway. */
function running({ slots }: Observed, { revision }: RenderedConfig): readonly ObservedPod[] {
  return slots.flatMap(({ pod }) =>
    pod?.engine?.revision === revision && pod.ip !== null && pod.engine.state !== "Stopping" ? [pod] : [],
  );
}

async function reload(
  tools: Tools,
  { key, cluster, admin, object }: Observed,
  pod: ObservedPod,
  config: RenderedConfig,
): Promise<void> {
  const { revision } = config;
  const facts = { ...key, pod: pod.name };
  try {
    const files = reloadableFiles(config);
    const outcome = await tools.engines.push(addressOf(pod.ip ?? "", cluster, admin), { revision, files });
    tools.log.info({ ...facts, outcome: outcome.kind }, "certificates-reloaded");
    if (outcome.kind === "taken") return;
    const note = `pod ${pod.name} goes on with its old certificates: ${outcome.problems[0]?.reason ?? ""}`;
    tools.recorder.record({
      regarding: object,
      type: "Warning",
      reason: "CertificateUnusable",
      action: "Reload",
      note,
    });
  } catch (error) {
    tools.log.warn({ ...facts, reason: describe(error) }, "certificates-not-reloaded");
  }
}
