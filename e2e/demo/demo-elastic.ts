/**
 * The elastic demo: one pod under a steady load, a tenfold burst for a slow mail server, pods that come while the queue
 * grows and leave when it is worked off, their rest handed to those that stay; a line of the picture each second, and at
 * the end how long all of it took. Ends with 1 when a mail was lost or doubled, when a client was turned away, or when the
 * cluster did not grow and shrink. `make bench-operator` runs it for its figures.
 */
import { readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";

import { openLab } from "../lab.ts";
import { Ledger } from "../peers/ledger.ts";
import { SteadySource } from "../peers/source.ts";
import { Progress } from "../progress.ts";
import { Course, type Moment } from "./course.ts";

const NAMESPACE = "demo";
const NAME = "elastic";
/** Messages a second. */
const STEADY = 10;
const BURST = 100;
const STEADY_SECONDS = 5;
const BURST_SECONDS = 25;
const PATIENCE_SECONDS = 240;
/** What the slow server takes for each mail; with three connections of each pod, 30 a second and pod. */
const PACE_MS = 100;

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
const namespace = cluster.networkNamespace;
const object = { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } };
await kubectl(["apply", "-f", "-"], JSON.stringify(object));
await discard(true);
const sink = await Ledger.start({ address: cluster.nodeAddress, port: 2601, namespace });
const course = new Course();
let source: SteadySource | null = null;
try {
  source = await progress.step("one pod that may become four", 20, start);
  await sink.pace(PACE_MS);
  progress.say(`${STEADY} mails a second, then ${BURST}, into a server that is slow; a pod manages about 30`);
  progress.say("    in   out  pods  slot and its queue, a # for each hundred mails");
  await source.rate(STEADY);
  await picture(source, (moment) => moment.second >= STEADY_SECONDS);
  await source.rate(BURST);
  course.mark("burst");
  await picture(source, (moment) => course.since("burst") >= BURST_SECONDS && moment.pods > 1);
  await source.rate(STEADY);
  course.mark("calm");
  await picture(source, () => course.isDrained && course.isSmallAgain);
  process.exitCode = (await end(source)) ? 0 : 1;
} finally {
  source?.stop();
  await discard(false).catch(() => {});
  sink.stop();
}

async function start(): Promise<SteadySource> {
  const manifest = await readFile(new URL("../manifests/elastic.yaml", import.meta.url), "utf8");
  await kubectl(["-n", NAMESPACE, "apply", "-f", "-"], manifest);
  await kubectl(["-n", NAMESPACE, "wait", "--for=condition=Ready", `mailcluster/${NAME}`, "--timeout=100s"]);
  const where = ["-n", NAMESPACE, "get", "service", NAME, "-o", "jsonpath={.spec.clusterIP}"];
  return SteadySource.start({ address: await kubectl(where), port: 25, connections: 12, namespace });
}

/** With its mail: also what a run that was broken off has left. */
async function discard(isWaited: boolean): Promise<void> {
  const one = ["-n", NAMESPACE, "mailcluster", NAME] as const;
  const policy = JSON.stringify({ spec: { deletionPolicy: "Discard" } });
  await kubectl(["patch", ...one, "--type=merge", "-p", policy]).catch(() => "there is none");
  await kubectl(["delete", ...one, "--ignore-not-found", `--wait=${isWaited}`, "--timeout=100s"]);
}

/** Prints a line a second until it looks right; gives up after a while. */
async function picture(from: SteadySource, isRight: (moment: Moment) => boolean): Promise<void> {
  for (let second = 0; second < PATIENCE_SECONDS; second++) {
    const { status } = View.parse(await get(["-n", NAMESPACE, "mailcluster", NAME]));
    const { accepted } = await from.report();
    const { recipients: delivered } = await sink.report();
    const moment = course.add({ accepted, delivered, pods: status.readyReplicas, wanted: status.replicas });
    progress.say(line(moment, status.pods));
    if (isRight(moment)) return;
    await wait(1000);
  }
  throw new Error(`the picture did not become right within ${PATIENCE_SECONDS} s`);
}

function line({ came, went, pods }: Moment, slots: z.infer<typeof View>["status"]["pods"]): string {
  const bars = slots.map(({ slot, state, queued }) => {
    const bar = "#".repeat(Math.min(20, Math.ceil((queued ?? 0) / 100)));
    return `${slot}: ${state === "Serving" ? "" : `${state.toLowerCase()} `}${bar}${queued ?? "?"}`;
  });
  const [into, out] = [came, went].map((count) => `${Math.round(count)}/s`.padStart(6));
  return `${into}${out}  ${String(pods).padStart(4)}  ${bars.join("   ")}`;
}

/** True: all is as it should be. */
async function end(from: SteadySource): Promise<boolean> {
  await from.rate(0);
  await sink.pace(0);
  await wait(2000);
  const accepted = await from.accepted();
  for (let tries = 0; tries < 100 && (await sink.report()).recipients < accepted.length; tries++)
    await wait(200);
  const delivered = await sink.recipients();
  const lost = accepted.filter((recipient) => !delivered.has(recipient)).length;
  const { doubled } = await sink.report();
  const rebuffs = await from.rebuffs();
  const rows = [
    [
      "burst",
      `from ${STEADY} to ${BURST} mails a second for ${Math.round(course.between("burst", "calm"))} s`,
    ],
    [
      "first new pod",
      `serves ${course.grownAfter ?? "?"} s after the burst began; at most ${course.mostPods} pods`,
    ],
    [
      "queue",
      `at most ${course.mostQueued} mails; drained ${course.drainedAfter ?? "?"} s after the burst ended`,
    ],
    ["one pod again", `${course.smallAfter ?? "?"} s after the burst ended`],
    [
      "mail",
      `accepted ${accepted.length}, delivered ${delivered.size}, clients turned away ${rebuffs.length}`,
    ],
  ];
  const text = rows.map(([name = "", what = ""]) => `  ${name.padEnd(14)}${what}`).join("\n");
  process.stdout.write(`\n${text}\n\n  lost ${lost}, duplicated ${doubled.length}\n\n`);
  return lost === 0 && doubled.length === 0 && rebuffs.length === 0 && course.mostPods > 1;
}
