/** Nodes, narrowed to the fields in use, as objects.ts has the other kinds. Types only. */
import type { KubeObject } from "./kube.ts";
import type { Condition } from "./objects.ts";

export interface KubeNode extends KubeObject {
  readonly spec?: {
    readonly unschedulable?: boolean;
    readonly taints?: readonly Taint[];
    /** Networks that pods on it have addresses from. */
    readonly podCIDRs?: readonly string[];
  };
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
  };
}

interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}
