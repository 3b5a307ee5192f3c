/**
 * Addresses that connections have when a node has put its own in place of the client's (pure): those of the node itself,
 * and the first two of each network that it gives pods addresses from, which bridges and tunnels of networks use.
 */
import type { KubeObject } from "#operator/kube/kube.ts";
import type { KubeNode } from "#operator/kube/node-object.ts";

/** As an index function of the store of nodes. */
export function addressesOfNode(object: KubeObject): readonly string[] {
  const { spec, status } = object as KubeNode;
  const own = (status?.addresses ?? []).filter(({ type }) => type.endsWith("IP"));
  return [...own.map(({ address }) => address), ...(spec?.podCIDRs ?? []).flatMap(firstOf)];
}

/** "10.244.1.0/24": 10.244.1.0 and 10.244.1.1. A network that is written otherwise has none. */
function firstOf(network: string): readonly string[] {
  const [base = ""] = network.split("/");
  if (base.endsWith("::")) return [base, `${base}1`];
  const [, front, last] = /^((?:\d{1,3}\.){3})(\d{1,3})$/.exec(base) ?? [];
  return front === undefined ? [] : [base, `${front}${Number(last) + 1}`];
}
