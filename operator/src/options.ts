/**
 * Flags and environment to one frozen value (pure). A flag wins over its variable, the variable over the default;
 * the table below is the reference that the chart and the README follow. What cannot be used throws a Failure
 * `options-invalid` that names the flag, what was given and what would be right.
 */
import { parseArgs } from "node:util";

import { Failure } from "#base/error.ts";

export type ImageVolumes = "auto" | "on" | "off";

export interface Options {
  /** Empty: all namespaces. */
  readonly watchNamespaces: readonly string[];
  /** Of the labels of namespaces; "": none, so all. */
  readonly namespaceSelector: string;
  /** Null: the namespace that the kubeconfig or the pod names. */
  readonly leaseNamespace: string | null;
  readonly leaseName: string;
  /** Who holds the lease and reports events: the pod's name. */
  readonly identity: string | null;
  readonly leaderElect: boolean;
  /** 0 picks a free one. */
  readonly monitorPort: number;
  /** Where KEDA's external scaler is served; null: nowhere. */
  readonly kedaAddress: string | null;
  readonly logLevel: string;
  /** Image of clusters that name none; null: such a cluster is reported as not usable. */
  readonly engineImage: string | null;
  /** Image of the web administration; null: clusters that name none get none. */
  readonly webImage: string | null;
  readonly workers: number;
  /** 0: no bound. */
  readonly maxUpgradingClusters: number;
  readonly imageVolumes: ImageVolumes;
  /** Whether the policy of the chart is there that holds web administrations to orders of roll-outs. */
  readonly ordersPolicy: boolean;
  /** Null: what client-node finds by itself (KUBECONFIG, ~/.kube/config, the pod's service account). */
  readonly kubeconfig: string | null;
}

interface Flag {
  readonly env: string;
  readonly fallback: string;
  readonly help: string;
}

export const flags = {
  "watch-namespaces": {
    env: "WATCH_NAMESPACES",
    fallback: "",
    help: "comma separated; empty watches all namespaces",
  },
  "namespace-selector": {
    env: "NAMESPACE_SELECTOR",
    fallback: "",
    help: "labels of the namespaces to look after, such as team=mail; not together with --watch-namespaces",
  },
  "lease-namespace": {
    env: "POD_NAMESPACE",
    fallback: "",
    help: "where the lease lives; empty: the namespace of the pod or of the kubeconfig's context",
  },
  "lease-name": { env: "LEASE_NAME", fallback: "mailfleet-operator", help: "name of the lease" },
  identity: { env: "POD_NAME", fallback: "", help: "who holds the lease; empty: the host's name" },
  "leader-elect": { env: "LEADER_ELECT", fallback: "true", help: "true or false" },
  "monitor-port": { env: "MONITOR_PORT", fallback: "8080", help: "/metrics, /healthz, /readyz; 0 picks one" },
  "keda-address": {
    env: "KEDA_ADDRESS",
    fallback: "",
    help: "where KEDA's external scaler is served, such as 0.0.0.0:6000; empty: nowhere",
  },
  "log-level": { env: "LOG_LEVEL", fallback: "info", help: "trace, debug, info, warn, error or silent" },
  "engine-image": {
    env: "MAILFLEET_ENGINE_IMAGE",
    fallback: "",
    help: "image for clusters that name none",
  },
  "web-image": {
    env: "MAILFLEET_WEB_IMAGE",
    fallback: "",
    help: "image of the web administration for clusters that name none",
  },
  workers: { env: "WORKERS", fallback: "4", help: "passes that run at once, 1 to 64" },
  "max-upgrading-clusters": {
    env: "MAX_UPGRADING_CLUSTERS",
    fallback: "1",
    help: "clusters whose pods a new version of the operator makes anew at once; 0: no bound",
  },
  "image-volumes": { env: "IMAGE_VOLUMES", fallback: "auto", help: "auto, on or off" },
  "orders-policy": {
    env: "ORDERS_POLICY",
    fallback: "false",
    help: "true where the chart's ValidatingAdmissionPolicy holds web administrations to orders of roll-outs; without it webAdmin.rolloutOrders gives no rights",
  },
  kubeconfig: {
    env: "MAILFLEET_KUBECONFIG",
    fallback: "",
    help: "a file; empty: KUBECONFIG, ~/.kube/config or the pod's service account",
  },
} as const satisfies Record<string, Flag>;

type FlagName = keyof typeof flags;
type Values = Readonly<Record<FlagName, string>>;

export function parseOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Options {
  const values = gather(argv, env);
  const watchNamespaces = namespaces(values["watch-namespaces"]);
  return Object.freeze({
    watchNamespaces,
    namespaceSelector: selector(values["namespace-selector"], watchNamespaces),
    leaseNamespace: values["lease-namespace"] || null,
    leaseName: dnsName("lease-name", values["lease-name"]),
    identity: values.identity || null,
    leaderElect: truth("leader-elect", values["leader-elect"]),
    monitorPort: integer("monitor-port", values["monitor-port"], { min: 0, max: 65_535 }),
    logLevel: oneOf("log-level", values["log-level"], LOG_LEVELS),
    engineImage: values["engine-image"] || null,
    webImage: values["web-image"] || null,
    kedaAddress: values["keda-address"] === "" ? null : address("keda-address", values["keda-address"]),
    workers: integer("workers", values.workers, { min: 1, max: 64 }),
    maxUpgradingClusters: integer("max-upgrading-clusters", values["max-upgrading-clusters"], {
      min: 0,
      max: 10_000,
    }),
    imageVolumes: oneOf("image-volumes", values["image-volumes"], ["auto", "on", "off"] as const),
    ordersPolicy: truth("orders-policy", values["orders-policy"]),
    kubeconfig: values.kubeconfig || null,
  });
}

/** The text of --help. */
export function usage(): string {
  const lines = Object.entries(flags).map(
    ([name, { env, fallback, help }]) =>
      `  --${name}  ${help} (${env}${fallback === "" ? "" : `, default ${fallback}`})`,
  );
  return ["Usage: mailfleet-operator [flags]", ...lines].join("\n");
}

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "silent"] as const;
const DNS_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

function gather(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Values {
  const names = Object.keys(flags) as FlagName[];
  let given: Partial<Record<string, string>>;
  try {
    const options = Object.fromEntries(names.map((name) => [name, { type: "string" as const }]));
    given = parseArgs({ args: [...argv], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error));
  }
  return Object.fromEntries(
    names.map((name) => [name, (given[name] ?? env[flags[name].env] ?? flags[name].fallback).trim()]),
  ) as Values;
}

function namespaces(text: string): readonly string[] {
  const names = text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  return [...new Set(names)].map((name) => dnsName("watch-namespaces", name));
}

/** What the words mean is the API server's to judge. */
function selector(text: string, named: readonly string[]): string {
  if (text !== "" && named.length > 0)
    throw invalid("--namespace-selector: --watch-namespaces says which namespaces already; give one of both");
  if (/^[-A-Za-z0-9._/=!,() ]{0,1000}$/.test(text)) return text;
  throw invalid(`--namespace-selector: "${text}" is not a label selector, such as team=mail`);
}

function dnsName(flag: FlagName, text: string): string {
  if (DNS_NAME.test(text)) return text;
  throw invalid(`--${flag}: "${text}" is not a name of lower-case letters, digits and dashes`);
}

/** "127.0.0.1:6000", "[::]:6000". */
function address(flag: FlagName, text: string): string {
  const port = Number(/^(?:\[[0-9a-fA-F:]+\]|[^:\s]+):(\d{1,5})$/.exec(text)?.[1] ?? Number.NaN);
  if (port <= 65_535) return text;
  throw invalid(`--${flag}: "${text}" is not an address with a port, such as 0.0.0.0:6000`);
}

function integer(flag: FlagName, text: string, range: { min: number; max: number }): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= range.min && value <= range.max) return value;
  throw invalid(`--${flag}: "${text}" is not a whole number from ${range.min} to ${range.max}`);
}

function truth(flag: FlagName, text: string): boolean {
  return oneOf(flag, text, ["true", "false"]) === "true";
}

function oneOf<T extends string>(flag: FlagName, text: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === text);
  if (found !== undefined) return found;
  throw invalid(`--${flag}: "${text}" is none of ${allowed.join(", ")}`);
}

function invalid(message: string): Failure {
  return new Failure("options-invalid", message, { transient: false });
}
