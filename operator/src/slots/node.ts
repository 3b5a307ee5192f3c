/**
 * What the node of a pod means for the pod (pure). A node that does not answer may still run it, so nobody else may have
 * its volume until the node is known to be dead: its object is gone, or somebody has said so with the taint
 * node.kubernetes.io/out-of-service.
 */
import type { KubeNode } from "#operator/kube/node-object.ts";

import type { IsNodeAddress } from "./client-addresses.ts";

/**
 * Ready    takes pods.
 * Leaving  runs, and is being emptied: cordoned, or about to be taken away by an autoscaler.
 * Lost     does not answer: what runs on it is unknown.
 * Dead     runs nothing any more.
 * Unknown  the operator cannot read nodes.
 */
export type NodeState = "Ready" | "Leaving" | "Lost" | "Dead" | "Unknown";

export interface ObservedNode {
  readonly name: string;
  readonly state: NodeState;
}

/** Nodes as the pass sees them. */
export interface NodeView {
  stateOf(name: string): NodeState;
  /** Some node that is not being emptied takes pods; false also where that is not known. */
  hasReady(): boolean;
  /** Connections through a node may have that address; null: nobody knows. */
  readonly isAddress: IsNodeAddress | null;
}

export const unknownNodes: NodeView = {
  stateOf: () => "Unknown",
  hasReady: () => false,
  isAddress: null,
};

/** Cordoned by hand or for a drain, by the cluster autoscaler, by Karpenter. */
const LEAVING_TAINTS: ReadonlySet<string> = new Set([
  "node.kubernetes.io/unschedulable",
  "ToBeDeletedByClusterAutoscaler",
  "karpenter.sh/disrupted",
  "karpenter.sh/disruption",
]);
const DEAD_TAINT = "node.kubernetes.io/out-of-service";

/** `nodes` holds all of them: one that is not in there is gone. */
export interface Nodes {
  get(namespace: string, name: string): KubeNode | null;
  list(): readonly KubeNode[];
  by(index: "address", value: string): readonly KubeNode[];
}

export function viewNodes(nodes: Nodes): NodeView {
  return {
    stateOf: (name) => stateOf(nodes.get("", name)),
    hasReady: () => nodes.list().some((node) => stateOf(node) === "Ready"),
    isAddress: (address) => isAddressIn(nodes, address),
  };
}

/** Connections through one of these nodes may have that address. */
export function isAddressIn(nodes: Pick<Nodes, "by">, address: string): boolean {
  return nodes.by("address", address).length > 0;
}

function stateOf(node: KubeNode | null): NodeState {
  if (node === null) return "Dead";
  const { spec, status } = node;
  const taints = (spec?.taints ?? []).map(({ key }) => key);
  if (taints.includes(DEAD_TAINT)) return "Dead";
  if (status?.conditions?.find(({ type }) => type === "Ready")?.status !== "True") return "Lost";
  const isLeaving = spec?.unschedulable === true || taints.some((key) => LEAVING_TAINTS.has(key));
  return isLeaving ? "Leaving" : "Ready";
}
