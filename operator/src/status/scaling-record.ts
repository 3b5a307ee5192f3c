/** The record of the autoscaler's last decision (pure); `at` moves only when the number does. */
import type { MailClusterStatus } from "#crds/mail-cluster-status.ts";

import type { Judged } from "./judged.ts";

export function scalingRecord(
  { spec, scaled }: Judged,
  previous: MailClusterStatus["scaling"],
  now: string,
): MailClusterStatus["scaling"] {
  const { decision } = scaled;
  if (spec.autoscaling.mode !== "Internal") return undefined;
  if (decision === null) return previous;
  const { replicas: desired, reason, message } = decision;
  return { desired, reason, message, at: previous?.desired === desired ? previous.at : now };
}
