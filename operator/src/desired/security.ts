/** What Pod Security "restricted" asks of a pod and its containers. */
import { user } from "#contract/runtime.ts";

export const podSecurity = {
  runAsNonRoot: true,
  runAsUser: user.uid,
  runAsGroup: user.gid,
  // The volume of the spool belongs to the engine; it is large, so its files are not walked at each start.
  fsGroup: user.gid,
  fsGroupChangePolicy: "OnRootMismatch",
  seccompProfile: { type: "RuntimeDefault" },
} as const;

export const containerSecurity = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
} as const;
