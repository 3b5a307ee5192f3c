/**
 * The elastic demo: one pod, a burst of mail for a slow mail server, pods that come while the queue grows and leave
 * when it is worked off, their rest handed to those that stay; a line of the picture each second. Ends with 1 when a
 * mail was lost or doubled, or when the cluster did not grow and shrink.
 */
import { readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";

import { openLab } from "../lab.ts";
import { Ledger } from "../peers/ledger.ts";
import { sendWithSmtpSource } from "../peers/smtp-source.ts";
import { Progress } from "../progress.ts";

const NAMESPACE = "demo";
const NAME = "elastic";
const BURST = 3000;
const PATIENCE_SECONDS = 240;
/** What the slow server takes for each mail. */
const PACE_MS = 300;

const View = z.object({
  status: z
    .object({
      replicas: z.int().default(0),
      readyReplicas: z.int().default(0),
      pods: z.array(z.object({ slot: z.int(), state: z.string(), queued: z.int().optional() })).default([]),
    })
    .prefault({}),
});

const progress = new Progress("demo");
const { cluster, kubectl, get } = await openLab(progress);
const where = { address: cluster.nodeAddress, port: 2601, namespace: cluster.networkNamespace };
const sink = await Ledger.start(where);
let sent = 0;
let most = 0;
try {
  await progress.step("one pod that may become four", 20, start);
  await sink.pace(PACE_MS);
  const sending = send(BURST);
  await picture((view) => view.status.readyReplicas >= 3);
  await sending;
  await sink.pace(0);
  await picture((view, delivered) => view.status.replicas === 1 && delivered >= sent);
  const report = await sink.report();
  const lost = sent - report.recipients;
  process.stdout.write(`\n  sent ${sent}, delivered ${report.recipients}, most pods ${most}\n`);
  process.stdout.write(`  lost ${lost}, duplicated ${report.doubled.length}\n`);
  process.exitCode = lost === 0 && report.doubled.length === 0 && most > 1 ? 0 : 1;
} finally {
  await kubectl(["-n", NAMESPACE, "delete", "mailcluster", NAME, "--wait=false"]).catch(() => {});
  sink.stop();
}

async function start(): Promise<void> {
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } };
  await kubectl(["apply", "-f", "-"], JSON.stringify(namespace));
  const manifest = await readFile(new URL("../manifests/elastic.yaml", import.meta.url), "utf8");
  await kubectl(["-n", NAMESPACE, "apply", "-f", "-"], manifest);
  await kubectl(["-n", NAMESPACE, "wait", "--for=condition=Ready", `mailcluster/${NAME}`, "--timeout=100s"]);
}

async function send(messages: number): Promise<void> {
  const address = await kubectl([
    "-n",
    NAMESPACE,
    "get",
    "service",
    NAME,
    "-o",
    "jsonpath={.spec.clusterIP}",
  ]);
  const source = { address, port: 25, namespace: cluster.networkNamespace, connections: 20, sizeBytes: 4096 };
  const mail = { sender: "sender@example.org", recipient: "user@example.net", numbered: true };
  await sendWithSmtpSource({ ...source, ...mail, messages });
  sent += messages;
}

/** Prints a line a second until it looks right; gives up after a while. */
async function picture(isRight: (view: z.infer<typeof View>, delivered: number) => boolean): Promise<void> {
  for (let second = 0; second < PATIENCE_SECONDS; second++) {
    const view = View.parse(await get(["-n", NAMESPACE, "mailcluster", NAME]));
    const { recipients } = await sink.report();
    most = Math.max(most, view.status.readyReplicas);
    progress.say(line(view, recipients));
    if (isRight(view, recipients)) return;
    await wait(1000);
  }
  throw new Error(`the picture did not become right within ${PATIENCE_SECONDS} s`);
}

/** One bar a pod, a mark for each hundred recipients in its queue. */
function line({ status }: z.infer<typeof View>, delivered: number): string {
  const pods = status.pods.map(({ slot, state, queued }) => {
    const bar = "#".repeat(Math.min(20, Math.ceil((queued ?? 0) / 100)));
    return `${slot}:${state === "Serving" ? "" : `${state.toLowerCase()} `}${bar}${queued ?? "?"}`;
  });
  return `delivered ${String(delivered).padStart(5)}  pods ${status.readyReplicas}  ${pods.join("  ")}`;
}
