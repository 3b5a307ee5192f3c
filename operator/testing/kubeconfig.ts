/** A kubeconfig for a server on this machine, whose authority is `ca.crt` beside the file; as JSON, which is YAML too. */
export function kubeconfigFor(port: number, context: { readonly namespace?: string } = {}): string {
  const server = `https://localhost:${port}`;
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server, "certificate-authority": "ca.crt" } }],
    users: [{ name: "u", user: { token: "secret" } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u", ...context } }],
    "current-context": "x",
  });
}
