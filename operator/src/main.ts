/**
 * The program: options, doors, manager, signals. Exit codes: 0 stopped as asked, 1 leadership lost or a bug, 64 options
 * that cannot be used, 69 no cluster to talk to or no port to listen on.
 */
import { hostname } from "node:os";

import { calmClock } from "#base/calm-clock.ts";
import { systemClock } from "#base/clock.ts";
import { describe, Failure } from "#base/error.ts";
import { type Log, makeLog } from "#base/log.ts";
import { addProcessFigures } from "#base/process-figures.ts";
import { systemRandom } from "#base/random.ts";
import { EngineClient } from "#operator/engine/client.ts";
import type { KedaServer } from "#operator/keda/server.ts";
import { type Access, findAccess } from "#operator/kube/access.ts";
import { HttpKube } from "#operator/kube/http-kube.ts";

import { awaitServer } from "./await-server.ts";
import { startHealthServer } from "./health.ts";
import { Manager } from "./manager.ts";
import { makeMetrics } from "./metrics.ts";
import { type Options, parseOptions, usage } from "./options.ts";

const clock = calmClock(systemClock);

const exitCodes = { ok: 0, lost: 1, badOptions: 64, environment: 69 } as const;

/** Where the network policy of clusters lets the operator in from; the chart labels its pods so. */
const POD_LABELS = { "app.kubernetes.io/name": "mailfleet-operator" };

async function main(): Promise<number> {
  if (process.argv.includes("--help")) {
    process.stdout.write(`${usage()}\n`);
    return exitCodes.ok;
  }
  const options = parseOptions(process.argv.slice(2), process.env);
  const log = makeLog({ level: options.logLevel, program: "mailfleet-operator" });
  const stop = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => stop.abort(new Error(name)));
  // A clock's timers keep no process alive; this one does until the run has ended.
  const alive = setInterval(() => undefined, 60_000);
  try {
    return await run(options, log, stop.signal);
  } finally {
    clearInterval(alive);
  }
}

async function run(options: Options, log: Log, stop: AbortSignal): Promise<number> {
  const access = findAccess(options.kubeconfig);
  const namespace = options.leaseNamespace ?? access.namespace ?? "default";
  const metrics = makeMetrics();
  addProcessFigures(metrics.registry);
  const kube = openKube(access, { observe: metrics.kubeCall });
  const leaseKube = options.leaderElect ? openKube(access, { callDeadlineMs: 5000, callSockets: 1 }) : null;
  const engines = new EngineClient({ clock });
  let missing = "the API server has not been asked yet";
  let manager: Manager | null = null;
  let keda: KedaServer | null = null;
  const health = await startHealthServer({
    port: options.monitorPort,
    registry: metrics.registry,
    notReadyBecause: () => (manager === null ? missing : manager.notReadyBecause()),
  });
  log.info({ server: access.server, namespace, monitorPort: health.port }, "started");
  try {
    const onMissing = (what: string): void => {
      missing = what;
    };
    const wait = { kube, imageVolumes: options.imageVolumes, clock, log, onMissing };
    const imageVolumes = await awaitServer(wait, stop);
    if (imageVolumes === null) return exitCodes.ok;
    manager = new Manager({
      kube,
      leaseKube,
      lease: { namespace, name: options.leaseName },
      identity: options.identity ?? hostname(),
      watchNamespaces: options.watchNamespaces,
      namespaceSelector: options.namespaceSelector,
      workers: options.workers,
      maxUpgradingClusters: options.maxUpgradingClusters,
      facts: {
        engineImage: options.engineImage ?? "",
        webImage: options.webImage ?? "",
        namespace,
        podLabels: POD_LABELS,
        hasImageVolumes: imageVolumes,
        hasOrdersPolicy: options.ordersPolicy,
      },
      engines,
      metrics,
      clock,
      random: systemRandom,
      log,
    });
    keda = await serveKeda(options, manager, log);
    const ending = await manager.run(stop);
    return ending === "stopped" ? exitCodes.ok : exitCodes.lost;
  } finally {
    keda?.close();
    await Promise.all([health.close(), engines.close(), kube.close(), leaseKube?.close()]);
  }
}

/** Plain text, as KEDA talks to scalers by default; only KEDA should reach it. */
async function serveKeda(options: Options, source: Manager, log: Log): Promise<KedaServer | null> {
  if (options.kedaAddress === null) return null;
  // Its libraries cost some 10 MB of memory: nobody pays who does not use it.
  const { startKedaServer } = await import("#operator/keda/server.ts");
  const server = await startKedaServer({ address: options.kedaAddress, source, clock });
  log.info({ address: options.kedaAddress, port: server.port }, "keda-served");
  return server;
}

function openKube(
  access: Access,
  extra: Pick<ConstructorParameters<typeof HttpKube>[0], "observe" | "callDeadlineMs" | "callSockets">,
): HttpKube {
  return new HttpKube({
    access,
    clock,
    random: systemRandom,
    userAgent: "mailfleet-operator",
    ...extra,
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`mailfleet-operator: ${describe(error)}\n`);
  if (!(error instanceof Failure)) throw error;
  process.exitCode = error.code === "options-invalid" ? exitCodes.badOptions : exitCodes.environment;
}
