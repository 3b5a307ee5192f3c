/**
 * A node's half of the cluster as daemons and files (pure): containerd, kubelet, kube-proxy; and the name server. The odd settings are what a machine with cgroup v1 and no systemd needs.
 */
import type { Daemon } from "./daemons.ts";
import {
  type NodePlace,
  adminKubeconfig,
  networkNamespace,
  nodeAddress,
  pauseImage,
  podNetwork,
  socketOf,
  state,
} from "./places.ts";

export function containerd({ folder }: NodePlace): Daemon {
  return { name: "containerd", args: ["--config", `${folder}/containerd.toml`] };
}

export function kubelet({ folder, name, address }: NodePlace): Daemon {
  return {
    name: "kubelet",
    args: [
      `--config=${folder}/kubelet.yaml`,
      `--kubeconfig=${folder}/kubelet.kubeconfig`,
      `--root-dir=${folder}/kubelet`,
      `--hostname-override=${name}`,
      `--node-ip=${address}`,
    ],
  };
}

export function proxy({ name }: NodePlace): Daemon {
  return {
    name: "kube-proxy",
    args: [
      `--kubeconfig=${state}/proxy.kubeconfig`,
      "--proxy-mode=iptables",
      `--cluster-cidr=${podNetwork}`,
      `--hostname-override=${name}`,
      // The sysctls of connection tracking belong to the host.
      "--conntrack-max-per-core=0",
      "--conntrack-tcp-timeout-established=0",
      "--conntrack-tcp-timeout-close-wait=0",
    ],
  };
}

export const nameServer: Daemon = { name: "coredns", args: ["-conf", `${state}/Corefile`] };

/** By path below the node's folder. */
export function nodeFiles(node: NodePlace): Readonly<Record<string, string>> {
  return {
    "containerd.toml": runtimeConfig(node),
    "cni/10-lab.conflist": JSON.stringify(podNetworkConfig(node)),
    "kubelet.yaml": JSON.stringify(kubeletConfig(node)),
    "resolv.conf": `nameserver ${nodeAddress}\n`,
  };
}

function runtimeConfig(node: NodePlace): string {
  const { folder } = node;
  return `version = 3
root = "${folder}/containerd"
state = "${folder}/containerd-state"
[grpc]
address = "${socketOf(node)}"
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "${pauseImage}"
[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["/usr/lib/cni"]
conf_dir = "${folder}/cni"
[plugins."io.containerd.cri.v1.runtime".containerd]
default_runtime_name = "runc"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
Root = "${folder}/runc"
`;
}

function podNetworkConfig({ folder, podNetwork: subnet }: NodePlace): object {
  return {
    cniVersion: "1.0.0",
    name: networkNamespace,
    plugins: [
      {
        type: "bridge",
        bridge: "lab-pods",
        isGateway: true,
        ipMasq: false,
        hairpinMode: true,
        ipam: {
          type: "host-local",
          dataDir: `${folder}/cni-addresses`,
          ranges: [[{ subnet }]],
          routes: [{ dst: "0.0.0.0/0" }],
        },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
}

function kubeletConfig(node: NodePlace): object {
  const { folder } = node;
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    failCgroupV1: false,
    failSwapOn: false,
    cgroupDriver: "cgroupfs",
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    containerRuntimeEndpoint: `unix://${socketOf(node)}`,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: `${state}/pki/ca.crt` },
    },
    authorization: { mode: "Webhook" },
    tlsCertFile: `${folder}/pki/kubelet.crt`,
    tlsPrivateKeyFile: `${folder}/pki/kubelet.key`,
    clusterDNS: [nodeAddress],
    clusterDomain: "cluster.local",
    resolvConf: `${folder}/resolv.conf`,
    podLogsDir: `${folder}/pod-logs`,
    oomScoreAdj: 0,
    maxPods: 110,
    // Images come from no registry: one that is thrown away never comes back.
    imageGCHighThresholdPercent: 100,
    imageMinimumGCAge: "87600h",
    evictionHard: {
      "memory.available": "50Mi",
      "nodefs.available": "0%",
      "imagefs.available": "0%",
      "nodefs.inodesFree": "0%",
      "imagefs.inodesFree": "0%",
    },
  };
}

/** Of the name server, on the first node. */
export const nameFiles: Readonly<Record<string, string>> = {
  Corefile: `.:53 {
  bind ${nodeAddress}
  errors
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${adminKubeconfig}
    pods verified
  }
  file ${state}/outside.zone test {
    reload 1s
  }
  hosts ${state}/outside.hosts {
    reload 1s
    fallthrough
  }
  template ANY ANY {
    rcode NXDOMAIN
  }
}
`,
  "outside.hosts": "",
  "outside.zone": outsideZone([]),
  "audit-policy.json": "",
};

/** The zone "test", the world outside the cluster; `records` are lines such as `sink 60 IN A 172.30.0.1`. */
export function outsideZone(records: readonly string[], serial = 1): string {
  const start = `test. 60 IN SOA ns.test. admin.test. ${serial} 60 60 60 1\ntest. 60 IN NS ns.test.\nns 60 IN A ${nodeAddress}\n`;
  return `$ORIGIN test.\n${start}${records.join("\n")}\n`;
}
