/**
 * The identities of a cluster in smtpd-app.yaml (pure): an address each, which only the engine that holds it connects from,
 * and the transports that leave from them. All engines get the same file; which identity one holds is said by its
 * command line (containers.ts). What the user says of a transport is never overwritten.
 */
import { isIPv6 } from "node:net";

import type { Problem } from "#contract/admin-api.ts";
import { appFile } from "#contract/config.ts";
import type { Identity } from "#crds/mail-cluster-identities.ts";

type Value = Readonly<Record<string, unknown>>;
/** Ids of addresses by family; absent for a family without any. */
type Sources = Readonly<Partial<Record<"ipv4" | "ipv6", readonly string[]>>>;

/** `app` with them; as it is when there are none. */
export function withIdentities(app: Value, identities: readonly Identity[]): Value {
  if (identities.length === 0) return app;
  const addresses = identities.map(({ address, hostname, proxy }) => ({
    id: idOf(address),
    address,
    hostname,
    exclusive: true,
    ...(proxy === undefined ? {} : { proxy }),
  }));
  const source = sourceOf(identities);
  return {
    ...app,
    addresses: [...listOf(app["addresses"]), ...addresses],
    ...(Array.isArray(app["transportgroups"])
      ? { transportgroups: app["transportgroups"].map((group: unknown) => leaveFrom(group, source)) }
      : {}),
  };
}

/** Transports that say that they leave by one family less, where that is the only one of the identities. */
export function unreachable(app: Value, identities: readonly Identity[]): readonly Problem[] {
  const families = Object.keys(sourceOf(identities));
  const [only] = families;
  if (only === undefined || families.length > 1) return [];
  const other = only === "ipv4" ? "ipv6" : "ipv4";
  const name: Readonly<Record<string, string>> = { ipv4: "IPv4", ipv6: "IPv6" };
  const reason =
    `spec.identities has addresses of ${name[only]} alone, and this leaves ${name[only]} out, so that no host could be reached: ` +
    `add an identity with an address of ${name[other]}, or take this out`;
  const paths = listOf(app["transportgroups"]).flatMap((group, i) =>
    connectionsIn(group)
      .filter(({ isFixed, sourceip }) => !isFixed && leavesOut(sourceip, only) && !says(sourceip, other))
      .map(({ saidBy }) => `transportgroups[${i}]${saidBy === 0 ? "" : `.transports[${saidBy - 1}]`}`),
  );
  return [...new Set(paths)].map((path) => ({
    file: appFile,
    path: `${path}.connection.sourceip.${only}`,
    reason,
  }));
}

const leavesOut = (sourceip: unknown, family: string): boolean =>
  isMap(sourceip) && sourceip[family] === false;
const says = (sourceip: unknown, family: string): boolean =>
  isMap(sourceip) && sourceip[family] !== undefined;
const idOf = (address: string): string => `identity-${address.replaceAll(":", "-")}`;

function sourceOf(identities: readonly Identity[]): Sources {
  const ids = (isV6: boolean): string[] =>
    identities.filter(({ address }) => isIPv6(address) === isV6).map(({ address }) => idOf(address));
  const [ipv4, ipv6] = [ids(false), ids(true)];
  return { ...(ipv4.length === 0 ? {} : { ipv4 }), ...(ipv6.length === 0 ? {} : { ipv6 }) };
}

/** What a group or a transport says of connections, and what holds for it: what it does not say is its group's. */
interface Said {
  /** 0: the group; else the transport of that number, from 1. */
  readonly at: number;
  readonly connection: Value;
  /** To fixed servers: it leaves from wherever the pod is. Others leave from identities. */
  readonly isFixed: boolean;
  readonly sourceip: unknown;
  /** Who says so, as `at`. */
  readonly saidBy: number;
  /** A transport that has nothing of its own to say of where it leaves from. */
  readonly isAsGroup: boolean;
}

/** The group first; none of one whose mail goes to a store. */
function connectionsIn(group: unknown): readonly Said[] {
  if (!isMap(group) || group["objectstore"] !== undefined) return [];
  const ofGroup = group["connection"] ?? {};
  if (!isMap(ofGroup)) return [];
  return [{ connection: ofGroup }, ...listOf(group["transports"])].flatMap((holder, at) => {
    const connection = isMap(holder) ? holder["connection"] : undefined;
    if (!isMap(connection)) return [];
    const isFixed = isServer(connection["server"] ?? ofGroup["server"]);
    const { sourceip: own } = connection;
    const isAsGroup = at > 0 && own === undefined && isFixed === isServer(ofGroup["server"]);
    const saidBy = own === undefined ? 0 : at;
    return [{ at, connection, isFixed, sourceip: own ?? ofGroup["sourceip"], saidBy, isAsGroup }];
  });
}

/** Empty text stands for mail exchangers. */
function isServer(server: unknown): boolean {
  return server !== undefined && server !== "";
}

function leaveFrom(group: unknown, source: Value): unknown {
  const complete = new Map(connectionsIn(group).map((said) => [said.at, withSource(said, source)]));
  if (!isMap(group) || complete.size === 0) return group;
  const { transports } = group;
  if (!Array.isArray(transports)) return { ...group, connection: complete.get(0) };
  const all = transports.map((transport: unknown, i) => {
    const connection = complete.get(i + 1);
    return isMap(transport) && connection !== undefined ? { ...transport, connection } : transport;
  });
  return { ...group, connection: complete.get(0), transports: all };
}

/** What it says of connections from now on. */
function withSource({ at, connection, isFixed, sourceip, saidBy, isAsGroup }: Said, source: Value): Value {
  if (isAsGroup) return connection;
  if (!isFixed) return { ...connection, sourceip: completed(sourceip, source) };
  // Its group leaves from identities: it takes what the user has said there.
  return saidBy === at ? connection : { ...connection, sourceip: sourceip ?? {} };
}

function completed(own: unknown, source: Value): unknown {
  if (own === undefined) return source;
  // One that leaves itself no family stays as it was written: it is told so (unreachable), not of what would stand here.
  if (!isMap(own) || Object.keys(source).every((family) => own[family] === false)) return own;
  // Says which family is left out and names no address: the rest leaves from the identities all the same.
  if (!Object.values(own).every((value) => value === false)) return own;
  return { ipv4: false, ipv6: false, ...source, ...own };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
