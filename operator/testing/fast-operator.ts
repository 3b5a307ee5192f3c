/**
 * An operator as a process of its own that looks at engines more often than the real program: one that tests may kill.
 * Arguments: kubeconfig, namespaces (comma separated), engines' port, lease namespace, identity, and the port of KEDA's
 * scaler where one is wanted. Writes one line
 * "acting" when it acts; exits as operator/src/main.ts does.
 */
import { sleep, systemClock } from "#base/clock.ts";
import { makeLog } from "#base/log.ts";
import { systemRandom } from "#base/random.ts";
import { EngineClient } from "#operator/engine/client.ts";
import { startKedaServer } from "#operator/keda/server.ts";
import { findAccess } from "#operator/kube/access.ts";
import { HttpKube } from "#operator/kube/http-kube.ts";

import { liveManager } from "./live-manager.ts";

const [kubeconfig = "", namespaces = "", port = "0", leaseNamespace = "", identity = "", keda = ""] =
  process.argv.slice(2);
const access = findAccess(kubeconfig);
const open = (callDeadlineMs: number): HttpKube =>
  new HttpKube({
    access,
    clock: systemClock,
    random: systemRandom,
    userAgent: "mailfleet-test",
    callDeadlineMs,
  });
const manager = liveManager({
  kube: open(10_000),
  leaseKube: open(5000),
  lease: { namespace: leaseNamespace, name: "mailfleet-operator" },
  identity,
  watchNamespaces: namespaces.split(","),
  workers: 4,
  engines: new EngineClient({ clock: systemClock, port: Number(port) }),
  log: makeLog({ level: "info", program: "fast-operator" }),
  paces: { lively: 200, scaling: 300, settled: 500 },
});
if (keda !== "") await startKedaServer({ address: `127.0.0.1:${keda}`, source: manager, clock: systemClock });
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
let ended = false;
const ending = manager.run(stop.signal).finally(() => (ended = true));
// A clock's timers keep no process alive.
const alive = setInterval(() => undefined, 60_000);
while (!ended && manager.figuresOf("", "") === "unknown") await sleep(systemClock, 50);
process.stdout.write("acting\n");
const code = (await ending) === "stopped" ? 0 : 1;
clearInterval(alive);
process.exit(code);
