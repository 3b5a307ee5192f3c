/** NetworkPolicies in force: who must not reach the admin port does not, and everything that a cluster needs still works. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { ports } from "#contract/runtime.ts";
import { containerPort } from "#crds/mail-cluster-traffic.ts";

import { NetworkPolicies } from "../cluster/network-policies.ts";
import { Stage, eventually } from "./stage.ts";

const SMTP = containerPort(25);

describe("a cluster whose network policies are enforced", { timeout: 400_000 }, () => {
  let stage: Stage;
  let policies: NetworkPolicies | null = null;

  before(async () => {
    stage = await Stage.open("strangers");
    await stage.applyCluster("outbound", { replicas: 2 });
    await stage.ready("outbound", 2);
    const image = await stage.kubectl(
      "get",
      "pod",
      "outbound-0",
      "-o",
      "jsonpath={.spec.containers[0].image}",
    );
    await stage.apply(strangerOf(image));
    await stage.kubectl("wait", "--for=condition=Ready", "pod/stranger", "--timeout=60s");
  });
  after(async () => {
    await policies?.stop();
    await stage?.close();
  });

  /** Whether a pod that is no part of the cluster gets a connection to this port of a pod of it. */
  async function reaches(port: number): Promise<boolean> {
    const pod = `outbound-${(await stage.view("outbound")).status.pods[0]?.slot}`;
    const address = await stage.kubectl("get", "pod", pod, "-o", "jsonpath={.status.podIP}");
    const script = `const s = require("net").connect(${port}, "${address}"); s.setTimeout(3000);
      const say = (word) => { console.log(word); process.exit(0); };
      s.on("connect", () => say("open")).on("timeout", () => say("shut")).on("error", () => say("shut"));`;
    return (await stage.kubectl("exec", "stranger", "--", "node", "-e", script)).trim() === "open";
  }
  const reached = async (): Promise<readonly boolean[]> => [
    await reaches(SMTP),
    await reaches(ports.monitor),
    await reaches(ports.admin),
  ];

  test("shuts the admin port to other pods, which reach it without the policy, and no other port", async () => {
    assert.deepEqual(await reached(), [true, true, true]);
    policies = await NetworkPolicies.enforce();
    await eventually(
      () => reaches(ports.admin),
      (isOpen) => !isOpen,
      30,
    );
    assert.deepEqual(await reached(), [true, true, false]);
  });

  test("is told of a new configuration by the operator, and hands its mail from pod to pod", async () => {
    await stage.applyCluster("outbound", {
      replicas: 2,
      config: { app: { ...stage.app(), queues: { concurrency: 7 } } },
    });
    await stage.rolledOut("outbound");
    // Not before: mail that is put off speaks against a revision under trial.
    await stage.sink.mode("defer");
    await stage.send("outbound", 100, "handed@example.net");
    await stage.kubectl("scale", "mailcluster", "outbound", "--replicas=1");
    await stage.until("outbound", ({ status }) => status.replicas === 1 && status.pods.length === 1);
    await stage.sink.mode("accept");
    await stage.allDelivered();
  });

  test("shuts its mail port too to whom its spec does not name", async () => {
    await stage.kubectl(
      "patch",
      "mailcluster",
      "outbound",
      "--type=merge",
      "-p",
      '{"spec":{"networkPolicy":{"clients":["192.0.2.0/24"]}}}',
    );
    await eventually(
      () => reaches(SMTP),
      (isOpen) => !isOpen,
      30,
    );
    assert.equal(await reaches(ports.monitor), true);
  });
});

function strangerOf(image: string): unknown {
  const securityContext = {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    runAsNonRoot: true,
    runAsUser: 65_532,
    seccompProfile: { type: "RuntimeDefault" },
  };
  const command = [
    "node",
    "-e",
    "setInterval(() => {}, 1 << 30); process.on('SIGTERM', () => process.exit());",
  ];
  const container = { name: "stranger", image, imagePullPolicy: "Never", command, securityContext };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "stranger" },
    spec: { containers: [container], automountServiceAccountToken: false, terminationGracePeriodSeconds: 1 },
  };
}
