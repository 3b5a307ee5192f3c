/** The last pages of the demo: what kubectl shows of the cluster, what became of the mails, what to type next. */
import { z } from "zod";

import type { Lab } from "../lab.ts";
import type { LedgerReport } from "../peers/ledger.ts";

const Cluster = z.object({
  status: z.object({
    pods: z.array(
      z.object({
        slot: z.int(),
        state: z.string(),
        revision: z.string().optional(),
        queued: z.int().optional(),
      }),
    ),
  }),
});

/** False when a mail was lost or doubled. */
export async function showTable(facts: {
  readonly lab: Lab;
  readonly namespace: string;
  readonly sent: number;
  readonly seconds: number;
  readonly report: LedgerReport;
}): Promise<boolean> {
  const { lab, namespace, sent, seconds, report } = facts;
  const { status } = Cluster.parse(await lab.get(["-n", namespace, "mailcluster", "outbound"]));
  const kubectlTable = await lab.kubectl(["-n", namespace, "get", "mailcluster", "outbound"]);
  const lost = sent - report.recipients;
  const rows = status.pods.map(
    ({ slot, state, revision, queued }) =>
      `  outbound-${slot}  ${state.padEnd(10)} revision ${revision ?? "?"}  queued ${queued ?? "unknown"}`,
  );
  const lines = [
    "",
    kubectlTable.trimEnd(),
    "",
    ...rows,
    "",
    `  sent ${sent} in ${seconds.toFixed(1)} s, delivered ${report.recipients}`,
    `  lost ${lost}, duplicated ${report.doubled.length}`,
    "",
    "",
  ];
  process.stdout.write(lines.join("\n"));
  return lost === 0 && report.doubled.length === 0;
}

export function showNext(namespace: string, web: string): void {
  const lines = [
    "",
    "Next:",
    `  ${web}`,
    "  make cluster-shell            a shell with kubectl and helm for this cluster, in which you can type:",
    `    kubectl -n ${namespace} describe mailcluster outbound        conditions, pods, events`,
    `    kubectl -n ${namespace} scale mailcluster outbound --replicas=3`,
    `    kubectl -n ${namespace} exec outbound-0 -- mtactl status     one engine's own view`,
    "  make demo-elastic             a burst of mail, and pods that come and go with it",
    "  make demo-down                remove everything",
    "",
    "",
  ];
  process.stdout.write(lines.join("\n"));
}
