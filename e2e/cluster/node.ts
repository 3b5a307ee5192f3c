/**
 * The node's half of the cluster as daemons and files (pure): containerd, kubelet, kube-proxy and the name server. The odd settings are what a machine with cgroup v1 and no systemd needs.
 */
import type { Daemon } from "./daemons.ts";
import {
  adminKubeconfig,
  containerdSocket,
  networkNamespace,
  nodeAddress,
  nodeName,
  pauseImage,
  podNetwork,
  state,
} from "./places.ts";

export const containerd: Daemon = { name: "containerd", args: ["--config", `${state}/containerd.toml`] };

export const kubelet: Daemon = {
  name: "kubelet",
  args: [
    `--config=${state}/kubelet.yaml`,
    `--kubeconfig=${state}/kubelet.kubeconfig`,
    `--root-dir=${state}/kubelet`,
    `--hostname-override=${nodeName}`,
    `--node-ip=${nodeAddress}`,
  ],
};

export const proxy: Daemon = {
  name: "kube-proxy",
  args: [
    `--kubeconfig=${state}/proxy.kubeconfig`,
    "--proxy-mode=iptables",
    `--cluster-cidr=${podNetwork}`,
    `--hostname-override=${nodeName}`,
    // The sysctls of connection tracking belong to the host.
    "--conntrack-max-per-core=0",
    "--conntrack-tcp-timeout-established=0",
    "--conntrack-tcp-timeout-close-wait=0",
  ],
};

export const nameServer: Daemon = { name: "coredns", args: ["-conf", `${state}/Corefile`] };

export const nodeFiles: Readonly<Record<string, string>> = {
  "containerd.toml": `version = 3
root = "${state}/containerd"
state = "${state}/containerd-state"
[grpc]
address = "${containerdSocket}"
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "${pauseImage}"
[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["/usr/lib/cni"]
conf_dir = "${state}/cni"
[plugins."io.containerd.cri.v1.runtime".containerd]
default_runtime_name = "runc"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
Root = "${state}/runc"
`,
  "cni/10-lab.conflist": JSON.stringify({
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
          dataDir: `${state}/cni-addresses`,
          ranges: [[{ subnet: podNetwork.replace("/16", "/24") }]],
          routes: [{ dst: "0.0.0.0/0" }],
        },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  }),
  "kubelet.yaml": JSON.stringify({
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    failCgroupV1: false,
    failSwapOn: false,
    cgroupDriver: "cgroupfs",
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: `${state}/pki/ca.crt` },
    },
    authorization: { mode: "Webhook" },
    tlsCertFile: `${state}/pki/kubelet.crt`,
    tlsPrivateKeyFile: `${state}/pki/kubelet.key`,
    clusterDNS: [nodeAddress],
    clusterDomain: "cluster.local",
    resolvConf: `${state}/resolv.conf`,
    podLogsDir: `${state}/pod-logs`,
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
  }),
  "resolv.conf": `nameserver ${nodeAddress}\n`,
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
