/**
 * The demo: a real cluster, the operator, two mail servers made from eight lines of YAML, 2,000 mails through their
 * Service into a mail server outside, a table of what became of them, and the pages that show the cluster. Ends with 1 when a mail was lost or doubled.
 */
import { readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";

import { type Lab, openLab } from "../lab.ts";
import { Ledger } from "../peers/ledger.ts";
import { sendWithSmtpSource } from "../peers/smtp-source.ts";
import { Progress } from "../progress.ts";
import { openWeb } from "./show-web.ts";
import { showNext, showTable } from "./table.ts";

const MESSAGES = 2000;
const SINK_PORT = 2600;
const NAMESPACE = "demo";
const NAME = "outbound";
const restricted = { "pod-security.kubernetes.io/enforce": "restricted" };

const progress = new Progress("demo");
const lab = await openLab(progress);
const { cluster } = lab;
const sink = await progress.step("a mail server outside the cluster", 2, () =>
  Ledger.start({ address: cluster.nodeAddress, port: SINK_PORT, namespace: cluster.networkNamespace }),
);
try {
  await progress.step("kubectl apply -f e2e/manifests/outbound.yaml", 20, () => applyCluster(lab));
  const address = await lab.kubectl([
    "-n",
    NAMESPACE,
    "get",
    "service",
    NAME,
    "-o",
    "jsonpath={.spec.clusterIP}",
  ]);
  const { seconds } = await progress.step(`${MESSAGES} mails to ${address}:25`, 5, () =>
    sendWithSmtpSource({
      address,
      port: 25,
      namespace: cluster.networkNamespace,
      messages: MESSAGES,
      connections: 20,
      sizeBytes: 4096,
      sender: "sender@example.org",
      recipient: "user@example.net",
      numbered: true,
    }),
  );
  await progress.step("delivery", 5, () => untilDelivered(sink));
  const report = await sink.report();
  const isWhole = await showTable({ lab, namespace: NAMESPACE, sent: MESSAGES, seconds, report });
  const web = await progress.step("web administration", 15, () =>
    openWeb(lab, { namespace: NAMESPACE, name: NAME }),
  );
  const place = web.url ?? `kubectl -n ${NAMESPACE} port-forward service/${NAME}-web 8080:80`;
  showNext(NAMESPACE, `${place}   the pages of the cluster: user ${web.user}, password ${web.password}`);
  process.exitCode = isWhole ? 0 : 1;
} finally {
  sink.stop();
}

async function applyCluster({ kubectl }: Lab): Promise<void> {
  const namespace = {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: NAMESPACE, labels: restricted },
  };
  await kubectl(["apply", "-f", "-"], JSON.stringify(namespace));
  const manifest = await readFile(new URL("../manifests/outbound.yaml", import.meta.url), "utf8");
  await kubectl(["-n", NAMESPACE, "apply", "-f", "-"], manifest);
  await kubectl(["-n", NAMESPACE, "wait", "--for=condition=Ready", `mailcluster/${NAME}`, "--timeout=180s"]);
}

/** Nothing arrives any more for two seconds, or everything is there. */
async function untilDelivered(ledger: Ledger): Promise<void> {
  let before = -1;
  for (let quiet = 0; quiet < 20; ) {
    const { recipients } = await ledger.report();
    if (recipients >= MESSAGES) return;
    quiet = recipients === before ? quiet + 1 : 0;
    before = recipients;
    await wait(100);
  }
}
