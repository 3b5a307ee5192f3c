/**
 * Nodes of kwok beside a real control plane: the scheduler places pods on them, the provisioner of the test cluster makes
 * their volumes, and kwok says what kubelets would say. The stages below are all that it does: a node is ready once it is
 * there, a pod has an address and is ready once it is placed, and is gone once it is deleted.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

import type { ControlPlane } from "../../e2e/cluster/control-plane.ts";
import { scheduler, storage, storageClassObject } from "../../e2e/cluster/daemons.ts";
import { startDaemon } from "../../e2e/cluster/processes.ts";
import { cacheFolder } from "../../tools/setup/programs.ts";
import type { Admin } from "../testing/api-server.ts";
import { podNetwork } from "./own-network.ts";

const PODS_A_NODE = 250;

export async function startNodes(plane: ControlPlane, admin: Admin, pods: number): Promise<void> {
  const folder = dirname(plane.kubeconfig);
  const home = { folder, namespace: null, isBoundToStarter: true, bin: `${cacheFolder()}/bin` };
  await mkdir(`${folder}/volumes`, { recursive: true });
  await writeFile(`${folder}/stages.yaml`, stages.map((stage) => JSON.stringify(stage)).join("\n---\n"));
  await startDaemon(home, scheduler(folder, "--secure-port=0"));
  await startDaemon(home, storage(folder, `${folder}/volumes`));
  await startDaemon(home, {
    name: "kwok",
    args: [
      `--kubeconfig=${plane.kubeconfig}`,
      `--config=${folder}/stages.yaml`,
      "--manage-all-nodes=true",
      "--node-lease-duration-seconds=40",
      `--cidr=${podNetwork}`,
    ],
  });
  await admin.apply("/apis/storage.k8s.io/v1/storageclasses/local", storageClassObject);
  for (let at = 0; at * PODS_A_NODE < pods; at++) await addNode(admin, `kwok-${at}`);
}

async function addNode(admin: Admin, name: string): Promise<void> {
  const path = `/api/v1/nodes/${name}`;
  const labels = { "kubernetes.io/hostname": name, type: "kwok" };
  const { status } = await admin.apply(path, { apiVersion: "v1", kind: "Node", metadata: { name, labels } });
  if (status >= 300) throw new Error(`${path}: ${status}`);
}

const room = `{cpu: 1k, memory: 1Ti, pods: ${PODS_A_NODE + 50}}`;

const stages = [
  stage("node-ready", "Node", {
    selector: [{ key: '.status.conditions.[] | select(.type == "Ready") | .status', not: "True" }],
    next: {
      statusTemplate: `{{ $now := Now }}
conditions:
{{ range NodeConditions }}
- {type: {{ .type | Quote }}, status: {{ .status | Quote }}, reason: {{ .reason | Quote }}, message: {{ .message | Quote }}, lastHeartbeatTime: {{ $now | Quote }}, lastTransitionTime: {{ $now | Quote }}}
{{ end }}
allocatable: ${room}
capacity: ${room}
phase: Running
`,
    },
  }),
  stage("pod-ready", "Pod", {
    selector: [{ key: ".metadata.deletionTimestamp" }, { key: ".status.phase", is: "Pending" }],
    next: {
      statusTemplate: `{{ $now := Now }}
conditions:
- {type: Initialized, status: "True", lastTransitionTime: {{ $now | Quote }}}
- {type: Ready, status: "True", lastTransitionTime: {{ $now | Quote }}}
- {type: ContainersReady, status: "True", lastTransitionTime: {{ $now | Quote }}}
containerStatuses:
{{ range .spec.containers }}
- {name: {{ .name | Quote }}, image: {{ .image | Quote }}, ready: true, restartCount: 0, state: {running: {startedAt: {{ $now | Quote }}}}}
{{ end }}
{{ $ips := PodIPsWith .spec.nodeName false ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) }}
podIP: {{ index $ips 0 | Quote }}
podIPs: [{ip: {{ index $ips 0 | Quote }}}]
phase: Running
startTime: {{ $now | Quote }}
`,
    },
  }),
  stage("pod-gone", "Pod", {
    selector: [{ key: ".metadata.deletionTimestamp", exists: true }],
    next: { delete: true },
  }),
];

interface Rule {
  readonly key: string;
  readonly is?: string;
  readonly not?: string;
  readonly exists?: true;
}

function stage(name: string, kind: string, what: { selector: readonly Rule[]; next: object }): object {
  const matchExpressions = what.selector.map(({ key, is, not, exists }) => {
    if (is !== undefined) return { key, operator: "In", values: [is] };
    if (not !== undefined) return { key, operator: "NotIn", values: [not] };
    return { key, operator: exists === true ? "Exists" : "DoesNotExist" };
  });
  return {
    apiVersion: "kwok.x-k8s.io/v1alpha1",
    kind: "Stage",
    metadata: { name },
    spec: { resourceRef: { apiGroup: "v1", kind }, selector: { matchExpressions }, next: what.next },
  };
}
