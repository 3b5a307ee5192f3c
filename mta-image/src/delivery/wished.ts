/**
 * What a script wants of an attempt, put on top of the settings of a transport. Equal wishes give the same object, since lanes
 * and their connections are known by their settings; those that were not used for long are forgotten. Never fails: an
 * address or name that is none shows when it is used.
 */
import type { AttemptWish } from "../queue/courier.ts";
import type { TalkChoice } from "../smtp/talk-choice.ts";
import type { TlsMode, TransportSettings } from "./transport.ts";

/** Per transport and reload; more different wishes at a time make connections that are not shared. */
const MAX_KEPT = 1000;

export class Wished {
  readonly #made = new WeakMap<TransportSettings, Map<string, TransportSettings>>();

  apply(usual: TransportSettings, wish: AttemptWish): TransportSettings {
    const known = this.#made.get(usual) ?? new Map<string, TransportSettings>();
    this.#made.set(usual, known);
    const made = known.get(wish.key) ?? derive(usual, wish);
    known.delete(wish.key);
    known.set(wish.key, made);
    if (known.size > MAX_KEPT) for (const oldest of known.keys()) return forget(known, oldest, made);
    return made;
  }
}

function forget<T>(known: Map<string, T>, oldest: string, made: T): T {
  known.delete(oldest);
  return made;
}

function derive(usual: TransportSettings, wish: AttemptWish): TransportSettings {
  const { server, port, sources, tlsMode, exchangers, tls, talk, isSourceOrdered = false, bind } = wish;
  const named = new Map(usual.sources);
  if (talk !== undefined && talk.helo !== null)
    for (const [ip, known] of named) named.set(ip, { ...known, hostname: talk.helo });
  for (const { ip, helo } of sources) {
    const known = named.get(ip) ?? { ip, hostname: null, proxy: null };
    if (helo !== null) named.set(ip, { ...known, hostname: helo });
  }
  return {
    ...usual,
    ...(server === null ? {} : { server }),
    ...(port === null ? {} : { port }),
    ...(tlsMode === null ? {} : { tlsMode: tlsMode as TlsMode }),
    ...(exchangers === undefined ? {} : { exchangers }),
    ...(tls === undefined ? {} : { tls }),
    ...(isSourceOrdered ? { isSourceOrdered } : {}),
    ...(bind === undefined ? {} : { bind }),
    ...(talk === undefined ? {} : talked(usual, talk)),
    sources: named,
    // In place of what the transport says of addresses, the family too.
    ...(sources.length === 0 ? {} : { sourceIps: sources.map(({ ip }) => ip), onlyFamily: null }),
  };
}

function talked(usual: TransportSettings, talk: TalkChoice): Partial<TransportSettings> {
  const { helo, isLmtp, timeouts, login, xclient } = talk;
  return {
    ...(helo === null ? {} : { helo }),
    ...(isLmtp === null ? {} : { isLmtp }),
    timeouts: { ...usual.timeouts, ...timeouts },
    login,
    xclient,
  };
}
