/** What a soak needs of the place where it happens; a Stage of the scenarios is one. */
import type { Cluster } from "../cluster/cluster.ts";
import type { Ledger } from "../peers/ledger.ts";

export interface Ground {
  readonly lab: {
    readonly cluster: Cluster;
    kubectl(args: readonly string[], input?: string): Promise<string>;
  };
  readonly namespace: string;
  readonly sink: Ledger;
  kubectl(...args: readonly string[]): Promise<string>;
}
