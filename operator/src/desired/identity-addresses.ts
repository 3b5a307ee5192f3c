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
  return connectionsOf(app).flatMap(({ path, sourceip }) =>
    isMap(sourceip) && sourceip[only] === false && sourceip[other] === undefined
      ? [{ file: appFile, path: `${path}.connection.sourceip.${only}`, reason }]
      : [],
  );
}

const idOf = (address: string): string => `identity-${address.replaceAll(":", "-")}`;

function sourceOf(identities: readonly Identity[]): Sources {
  const ids = (isV6: boolean): string[] =>
    identities.filter(({ address }) => isIPv6(address) === isV6).map(({ address }) => idOf(address));
  const [ipv4, ipv6] = [ids(false), ids(true)];
  return { ...(ipv4.length === 0 ? {} : { ipv4 }), ...(ipv6.length === 0 ? {} : { ipv6 }) };
}

/** Those that leave from identities, as leaveFrom finds them. */
function connectionsOf(app: Value): readonly { readonly path: string; readonly sourceip: unknown }[] {
  return listOf(app["transportgroups"]).flatMap((group, i) => {
    if (!isMap(group) || group["objectstore"] !== undefined) return [];
    const all = [group, ...listOf(group["transports"])];
    const ofGroup = isMap(group["connection"]) ? group["connection"] : {};
    return all.flatMap((holder, at) => {
      const connection = isMap(holder) ? holder["connection"] : undefined;
      if (!isMap(connection) || (connection["server"] ?? ofGroup["server"]) !== undefined) return [];
      const path = `transportgroups[${i}]${at === 0 ? "" : `.transports[${at - 1}]`}`;
      return [{ path, sourceip: connection["sourceip"] }];
    });
  });
}

/** What goes to a store or to fixed servers leaves from wherever the pod is. */
function leaveFrom(group: unknown, source: Value): unknown {
  if (!isMap(group) || group["objectstore"] !== undefined) return group;
  const said = group["connection"] ?? {};
  const connection = withSource(said, source);
  const { transports } = group;
  if (!Array.isArray(transports) || !isMap(said)) return { ...group, connection };
  const complete = transports.map((transport: unknown) =>
    isMap(transport) && isMap(transport["connection"])
      ? { ...transport, connection: withSourceOf(transport["connection"], said, source) }
      : transport,
  );
  return { ...group, connection, transports: complete };
}

/** A transport takes from its group what it does not say: one to servers of its own takes what the user has said there. */
function withSourceOf(connection: Value, group: Value, source: Value): unknown {
  const isFixed = connection["server"] !== undefined;
  if (isFixed || group["server"] !== undefined) {
    const isTaken = connection["sourceip"] === undefined && group["server"] === undefined;
    return isTaken ? { ...connection, sourceip: group["sourceip"] ?? {} } : connection;
  }
  return connection["sourceip"] === undefined ? connection : withSource(connection, source);
}

function withSource(connection: unknown, source: Value): unknown {
  if (!isMap(connection) || connection["server"] !== undefined) return connection;
  const own = connection["sourceip"];
  if (own === undefined) return { ...connection, sourceip: source };
  // One that leaves itself no family stays as it was written: it is told so (unreachable), not of what would stand here.
  if (!isMap(own) || Object.keys(source).every((family) => own[family] === false)) return connection;
  // Says which family is left out and names no address: the rest leaves from the identities all the same.
  if (!Object.values(own).every((value) => value === false)) return connection;
  return { ...connection, sourceip: { ipv4: false, ipv6: false, ...source, ...own } };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
