/**
 * The identities of a cluster in smtpd-app.yaml (pure): an address each, which only the engine that holds it connects from,
 * and the transports that leave from them. All engines get the same file; which identity one holds is said by its
 * command line (containers.ts). What the user says of a transport is never overwritten.
 */
import { isIPv6 } from "node:net";

import type { Identity } from "#crds/mail-cluster-identities.ts";

type Value = Readonly<Record<string, unknown>>;

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

const idOf = (address: string): string => `identity-${address.replaceAll(":", "-")}`;

function sourceOf(identities: readonly Identity[]): Value {
  const ids = (isV6: boolean): string[] =>
    identities.filter(({ address }) => isIPv6(address) === isV6).map(({ address }) => idOf(address));
  const [ipv4, ipv6] = [ids(false), ids(true)];
  return { ...(ipv4.length === 0 ? {} : { ipv4 }), ...(ipv6.length === 0 ? {} : { ipv6 }) };
}

/** What goes to a store or to fixed servers leaves from wherever the pod is. */
function leaveFrom(group: unknown, source: Value): unknown {
  if (!isMap(group) || group["objectstore"] !== undefined) return group;
  const connection = withSource(group["connection"] ?? {}, source);
  const { transports } = group;
  if (!Array.isArray(transports)) return { ...group, connection };
  const complete = transports.map((transport: unknown) =>
    isMap(transport) && transport["connection"] !== undefined
      ? { ...transport, connection: withSource(transport["connection"], source) }
      : transport,
  );
  return { ...group, connection, transports: complete };
}

function withSource(connection: unknown, source: Value): unknown {
  if (!isMap(connection) || connection["server"] !== undefined) return connection;
  const own = connection["sourceip"];
  if (own === undefined) return { ...connection, sourceip: source };
  // Says which family is left out and names no address: the rest leaves from the identities all the same.
  if (!isMap(own) || !Object.values(own).every((value) => value === false)) return connection;
  return { ...connection, sourceip: { ipv4: false, ipv6: false, ...source, ...own } };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
