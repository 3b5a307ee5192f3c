/**
 * Clusters, slots and engine reports for tests: everything is ordinary unless a test says otherwise, so a test
 * shows only what matters to it.
 */
import type { EngineStatus } from "#contract/admin-api.ts";
import { MailClusterSpec } from "#crds/mail-cluster.ts";
import type { Context } from "#operator/desired/context.ts";
import { renderConfig } from "#operator/desired/engine-config.ts";
import type { ResolvedPlugin } from "#operator/plugins/resolve.ts";
import { noFence } from "#operator/slots/fence.ts";
import type { SlotInput } from "#operator/slots/input.ts";
import type { ObservedClaim, ObservedPod, ObservedSlot } from "#operator/slots/observed.ts";

/** A spec as people write it. */
export const plainSpec = {
  replicas: 2,
  config: { app: { transportgroups: [{ id: "default", transports: [{ id: "default" }] }] } },
} as const;

export function aSpec(changes: Record<string, unknown> = {}): MailClusterSpec {
  return MailClusterSpec.parse({ ...plainSpec, ...changes });
}

export function aContext(
  changes: { spec?: Record<string, unknown>; plugins?: readonly ResolvedPlugin[] } & Partial<
    Pick<Context, "size" | "isDeleting" | "isMoving" | "restart" | "identityOf" | "operator" | "servesRoutes">
  > = {},
): Context {
  const spec = aSpec(changes.spec);
  const plugins = changes.plugins ?? [];
  const image = spec.engine.image ?? changes.operator?.engineImage ?? "mailfleet-mta:test";
  const rendering = renderConfig({ spec, plugins, appFromText: null, spamhaus: null, image });
  if (!rendering.ok) throw new Error(JSON.stringify(rendering.problems));
  return {
    cluster: {
      apiVersion: "mailfleet.io/v1alpha1",
      kind: "MailCluster",
      name: "outbound",
      namespace: "mail",
      uid: "uid-outbound",
    },
    spec,
    size: changes.size ?? spec.replicas ?? 1,
    isDeleting: changes.isDeleting ?? false,
    isMoving: changes.isMoving ?? false,
    restart: changes.restart ?? null,
    identityOf: changes.identityOf ?? (() => null),
    operator: changes.operator ?? {
      engineImage: "mailfleet-mta:test",
      webImage: "mailfleet-web:test",
      namespace: "mailfleet-system",
      podLabels: { "app.kubernetes.io/name": "mailfleet-operator" },
      hasImageVolumes: true,
      hasOrdersPolicy: true,
    },
    servesRoutes: changes.servesRoutes ?? true,
    config: rendering.config,
    plugins,
  };
}

type EngineChanges = Partial<Omit<EngineStatus, "queue">> & { queued?: number };

export function anEngine({ queued = 0, ...changes }: EngineChanges = {}): EngineStatus {
  return {
    version: "0.1.0",
    startedAt: "2026-01-01T00:00:00Z",
    revision: "rev-1",
    state: "Serving",
    ready: true,
    queue: { total: queued, active: 0, deferred: queued, hold: 0, oldestDueSeconds: 0 },
    spoolClosed: null,
    sessions: 0,
    deliveries: 0,
    totals: { accepted: 0, delivered: 0, deferred: 0, failed: 0, unclear: 0 },
    plugins: [],
    ...changes,
  };
}

export function aPod(slot: number, changes: Partial<ObservedPod> = {}): ObservedPod {
  return {
    name: `outbound-${slot}`,
    uid: `uid-pod-${slot}`,
    resourceVersion: "1",
    ip: `10.0.0.${slot + 1}`,
    phase: "Running",
    isReady: true,
    isTerminating: false,
    hash: "hash",
    parts: null,
    revision: "rev-1",
    restarts: 0,
    reason: null,
    blame: null,
    node: null,
    identity: null,
    engine: anEngine(),
    ...changes,
  };
}

export function aClaim(slot: number, changes: Partial<ObservedClaim> = {}): ObservedClaim {
  return {
    name: `outbound-${slot}`,
    uid: `uid-claim-${slot}`,
    resourceVersion: "1",
    phase: "Bound",
    isTerminating: false,
    size: "10Gi",
    isDiscarded: false,
    capacity: "10Gi",
    lastNode: null,
    wakeAt: null,
    identity: null,
    ...changes,
  };
}

/** A slot that serves; null in place of changes leaves pod or claim out. */
export function aSlot(
  slot: number,
  changes: { pod?: Partial<ObservedPod> | null; claim?: Partial<ObservedClaim> | null } = {},
): ObservedSlot {
  return {
    slot,
    pod: changes.pod === null ? null : aPod(slot, changes.pod),
    claim: changes.claim === null ? null : aClaim(slot, changes.claim),
  };
}

export function aSlotInput(changes: Partial<SlotInput> = {}): SlotInput {
  return {
    size: 2,
    slots: [aSlot(0), aSlot(1)],
    hashOf: () => "hash",
    podChanges: "all",
    heldBy: null,
    isSettling: false,
    ignored: new Set(),
    storageSize: "10Gi",
    reclaim: "RetainUntilEmpty",
    deletion: null,
    leavingBefore: new Set(),
    preferred: new Set(),
    forced: new Set(),
    fence: noFence,
    drainTo: "Peers",
    canMove: true,
    given: new Map(),
    now: 0,
    wallMs: 0,
    actingSince: Number.NEGATIVE_INFINITY,
    identities: null,
    replaceable: null,
    unteachable: new Set(),
    ...changes,
  };
}
