/**
 * Everything that the objects of a cluster are made from, gathered by `reconcile/observe.ts`. The files of this
 * room are pure functions of it: the same context gives the same objects, byte for byte.
 */
import type { MailClusterSpec } from "#crds/mail-cluster.ts";
import type { ResolvedPlugin } from "#operator/plugins/resolve.ts";

import type { RenderedConfig } from "./engine-config.ts";

export interface ClusterIdentity {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
}

/** What the operator itself brings along. */
export interface OperatorFacts {
  /** Image of the engine for clusters that name none. */
  readonly engineImage: string;
  /** Image of the web administration for clusters that name none; "" when nobody said. */
  readonly webImage: string;
  /** Where the operator runs, so that the network policy lets it in. */
  readonly namespace: string;
  readonly podLabels: Readonly<Record<string, string>>;
  /** The cluster mounts OCI images as volumes (kube/discovery.ts tells from which version on). */
  readonly hasImageVolumes: boolean;
  /** A policy holds web administrations to the annotation that orders roll-outs; without it none gets rights to it. */
  readonly hasOrdersPolicy: boolean;
}

export interface Context {
  readonly cluster: ClusterIdentity;
  readonly spec: MailClusterSpec;
  /** How many slots are wanted (slots/size.ts). */
  readonly size: number;
  readonly isDeleting: boolean;
  /** Pods hand their mail over because their nodes are being emptied. */
  readonly isMoving: boolean;
  /** A text that people have pods made anew by; null: none. */
  readonly restart: string | null;
  /** The identity that the pod of a slot is made with; null: none. */
  readonly identityOf: (slot: number) => string | null;
  readonly operator: OperatorFacts;
  /** The API server serves HTTPRoutes, and the operator may make them. */
  readonly servesRoutes: boolean;
  /** The configuration that pods are made with: the spec's, or the last good one while the spec's is broken. */
  readonly config: RenderedConfig;
  /** Plugins that can be mounted, in the order of the spec. */
  readonly plugins: readonly ResolvedPlugin[];
}
