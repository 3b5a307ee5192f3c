/** Names of everything that is made for a cluster, once. All fit a DNS label (crds/mail-cluster.ts bounds the first part). */

/** The Service that mail comes in by, the ServiceAccount, the budget and the network policy share the cluster's name. */
export const serviceName = (cluster: string): string => cluster;
export const serviceAccountName = (cluster: string): string => cluster;
export const disruptionBudgetName = (cluster: string): string => cluster;
export const networkPolicyName = (cluster: string): string => cluster;
export const egressPolicyName = (cluster: string): string => `${cluster}-egress`;

/** Headless: gives every pod a stable name in DNS. */
export const headlessServiceName = (cluster: string): string => `${cluster}-pods`;

/** Everything of the web administration shares it. */
export const webName = (cluster: string): string => `${cluster}-web`;

/** Pod and claim of a slot. */
export const slotName = (cluster: string, slot: number): string => `${cluster}-${slot}`;

export const adminSecretName = (cluster: string): string => `${cluster}-admin`;

export const spamhausSecretName = (cluster: string): string => `${cluster}-spamhaus`;

export const configMapName = (cluster: string, revision: string): string => `${cluster}-config-${revision}`;

/** The name that the admin certificate of every pod is good for; the operator connects by address and checks this. */
export const adminServerName = (cluster: string, namespace: string): string =>
  `${headlessServiceName(cluster)}.${namespace}.svc`;
