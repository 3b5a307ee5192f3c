/**
 * The engines as the operator sees them. `client.ts` implements it over HTTPS; tests put `testing/fake-engine.ts` behind
 * the same client. A call rejects with a Failure whose code is engine-unreachable (no answer: nothing is known),
 * engine-denied (our token or certificate is not the one it knows yet) or engine-broken (an answer that is none).
 */
import type { ConfigPush, DrainOrder, EngineStatus, Problem, SpreadRequest } from "#contract/admin-api.ts";
import type { ShareOrder, ShareState } from "#contract/rules-api.ts";
import type { ProbeOrder, ProbeResult } from "#contract/spamhaus-api.ts";
import type { SharingState, SourcesOrder } from "#contract/suppression-sharing.ts";

/** How to reach one pod's engine. */
export interface EngineAddress {
  readonly ip: string;
  /** The name its certificate is checked against. */
  readonly serverName: string;
  readonly caCertificates: string;
  readonly token: string;
}

export type PushOutcome =
  | { readonly kind: "taken"; readonly revision: string }
  /** The running configuration stays in force. */
  | { readonly kind: "refused"; readonly problems: readonly Problem[] };

/**
 * What it has now. Engines of early versions tell no more than that they took it, or know no shares at all. Null: it was
 * told otherwise meanwhile, and goes on with that.
 */
export type ShareAnswer = ShareState | "taken" | "unknown" | null;

export interface Engines {
  status(address: EngineAddress): Promise<EngineStatus>;
  push(address: EngineAddress, push: ConfigPush): Promise<PushOutcome>;
  drain(address: EngineAddress, order: DrainOrder): Promise<EngineStatus>;
  /** Null: it cannot, or does not serve. */
  spread(address: EngineAddress, order: SpreadRequest): Promise<EngineStatus | null>;
  share(address: EngineAddress, order: ShareOrder): Promise<ShareAnswer>;
  /** From whom it fetches the suppression list. Null: it keeps none, or shares none. */
  follow(address: EngineAddress, order: SourcesOrder): Promise<SharingState | null>;
  /** Null: this engine cannot try anything out. */
  probe(address: EngineAddress, order: ProbeOrder): Promise<ProbeResult | null>;
  close(): Promise<void>;
}
