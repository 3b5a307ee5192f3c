/**
 * What smtpd.yaml and smtpd-app.yaml say of the same servers, held against each other and against the type of each (pure). A
 * key that servers of a type have no use for is refused, since whoever wrote it would wait for what it never does.
 */
import type { Problem } from "./admin-api.ts";
import type { AppConfig } from "./app-config.ts";
import { appFile, startupFile } from "./file-names.ts";
import type { StartupConfig } from "./startup-config.ts";

type Listening = StartupConfig["servers"][number];
type Server = AppConfig["servers"][number];

export function checkListening({ type, proxyprotocol, listeners }: Listening, i: number): Problem[] {
  const said = (path: string, reason: string): Problem => ({
    file: startupFile,
    path: `servers[${i}].${path}`,
    reason,
  });
  const problems: Problem[] = [];
  if (type === "plugin" && listeners.length > 0)
    problems.push(said("listeners", "a server of type plugin listens nowhere"));
  if (type !== "plugin" && listeners.length === 0)
    problems.push(said("listeners", "needs at least one listener"));
  if (type !== "smtp" && proxyprotocol)
    problems.push(said("proxyprotocol", "only servers of type smtp read a PROXY header"));
  if (type === "http")
    for (const [j, { address }] of listeners.entries())
      if (address.startsWith("/"))
        problems.push(said(`listeners[${j}].address`, "a server of type http listens on IP addresses alone"));
  return problems;
}

export function checkServer(
  startup: StartupConfig,
  server: Server,
  { at, ids }: { readonly at: string /** Of transports. */; readonly ids: ReadonlySet<string> },
): Problem[] {
  const problem = (path: string, reason: string): Problem => ({
    file: appFile,
    path: `${at}.${path}`,
    reason,
  });
  const problems: Problem[] = [];
  const type = startup.servers.find(({ id }) => id === server.id)?.type;
  if (type === undefined) problems.push(problem("id", `there is no server "${server.id}" in ${startupFile}`));
  if (!ids.has(server.transport))
    problems.push(problem("transport", `there is no transport "${server.transport}"`));
  for (const [j, { cert }] of server.tls.certs.entries()) {
    if (startup.pki.private.some(({ id }) => id === cert)) continue;
    const reason = `there is no key "${cert}" in pki.private of smtpd.yaml`;
    problems.push(problem(`tls.certs[${j}].cert`, reason));
  }
  if (server.tls.certs.length === 0) {
    if (server.tls.implicit) problems.push(problem("tls.implicit", "needs a certificate in certs"));
    if (type === "smtp" && server.tls.clientcerts)
      problems.push(problem("tls.clientcerts", "needs a certificate in certs"));
    // Whoever names clients may name their logins, too.
    if (type === "smtp" && server.auth !== undefined && server.xclientnetworks.length === 0)
      problems.push(
        problem("auth", "needs a certificate in tls.certs, since logins travel within TLS alone"),
      );
  }
  const idle = type === undefined ? [] : idleKeys(server, type);
  return [...problems, ...idle.map((path) => problem(path, `a server of type ${type} has no use for it`))];
}

/** What is said of a server without effect; keys with a default of their own cannot be told from those that were left out. */
function idleKeys(server: Server, type: Listening["type"]): string[] {
  const { phases, tls, auth, http, xclientnetworks } = server;
  if (type === "smtp") return http === undefined ? [] : ["http"];
  const { data: _, eod: __, ...others } = phases;
  const hooks = Object.entries(others).filter(([, { hook }]) => hook !== undefined);
  return [
    ...(xclientnetworks.length > 0 ? ["xclientnetworks"] : []),
    ...hooks.map(([phase]) => `phases.${phase}.hook`),
    ...(phases.connect.greetdelay > 0 ? ["phases.connect.greetdelay"] : []),
    ...(tls.clientcerts ? ["tls.clientcerts"] : []),
    ...(type === "plugin" && tls.certs.length > 0 ? ["tls.certs"] : []),
    ...(type === "plugin" && http !== undefined ? ["http"] : []),
    ...(auth === undefined ? [] : ["auth"]),
  ];
}
