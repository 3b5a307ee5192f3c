/**
 * The options of Try() as plain values, or what is wrong with them. Options that this engine does not know are passed over, as a
 * script may be written for another version. Pure.
 */
import { isIP } from "node:net";

import { tlsModes } from "#contract/config-values.ts";

import type { SaidParameters } from "../smtp/said-parameters.ts";
import type { TalkChoice } from "../smtp/talk-choice.ts";
import type { TlsChoice } from "../smtp/tls-choice.ts";
import { canonicalDomain } from "../smtp/address.ts";
import { type Value, HslArray } from "../script/value.ts";
import { addressOf, bytesOf, isMailbox, textOf } from "./texts.ts";
import { isHostName, talkChoice } from "./try-talk.ts";
import { type FindCertificate, tlsChoice } from "./try-tls.ts";

export interface TryWish {
  readonly transportId: string | null;
  /** host, host:port, [ip] …, several with commas. */
  readonly server: string | null;
  readonly port: number | null;
  /** Addresses of the configuration by name, or addresses; `helo` is the name to say with one. */
  readonly sources: readonly { readonly source: string; readonly helo: string | null }[];
  /** The first of them that fits is used, not any. */
  readonly isSourceOrdered: boolean;
  /** Source addresses need not be of this system. */
  readonly isNonlocal: boolean;
  /** The domain whose mail exchangers are used; null for the recipient's. */
  readonly domain: string | null;
  readonly tlsMode: string | null;
  /** Null when the script said nothing of it. */
  readonly tls: TlsChoice | null;
  readonly talk: TalkChoice | null;
  readonly envelope: EnvelopeWish;
  /** Names of mail exchangers, perhaps with one * for any letters; null when the script said nothing of them. */
  readonly exchangers: { readonly include: readonly string[]; readonly exclude: readonly string[] } | null;
  /** Who delivers instead; `args` is the script's own value. */
  readonly plugin: { readonly id: string; readonly args: Value } | null;
}

/** What is said in this attempt in place of the message's own; null: as it is. */
export interface EnvelopeWish {
  readonly sender: string | null;
  readonly recipient: string | null;
  readonly jobId: string | null;
  /** What is said behind the addresses in place of what the message brings. */
  readonly senderParameters: SaidParameters | null;
  readonly recipientParameters: SaidParameters | null;
}

const AS_IT_IS: EnvelopeWish = {
  sender: null,
  recipient: null,
  jobId: null,
  senderParameters: null,
  recipientParameters: null,
};

/** What the configuration has, by name. */
export interface Configured {
  readonly hasTransport: (id: string) => boolean;
  readonly certificate: FindCertificate;
}

export function tryWish(options: HslArray, { hasTransport, certificate }: Configured): TryWish | string {
  const transportId = options.get("transportid");
  if (transportId !== null && (typeof transportId !== "string" || !hasTransport(transportId)))
    return "transportid is no transport";
  const server = serverOf(options.get("server") ?? hostOf(options.get("host")));
  if (server === undefined) return "server is no server";
  const port = options.get("port");
  if (port !== null && !isPort(port)) return "port is no port";
  const sources = sourcesOf(options.get("sourceip"));
  if (sources === undefined) return "sourceip is no address";
  const tls = options.get("tls");
  if (tls !== null && !tlsModes.some((mode) => mode === tls)) return "tls is no mode";
  const choice = tlsChoice(options, certificate);
  if (typeof choice === "string") return choice;
  const talk = talkChoice(options);
  if (typeof talk === "string") return talk;
  const envelope = envelopeOf(options);
  if (typeof envelope === "string") return envelope;
  const domain = domainOf(options.get("recipientdomain"));
  if (domain === undefined) return "recipientdomain is no domain";
  const plugin = pluginOf(options.get("plugin"));
  if (plugin === undefined) return "plugin is no array with an id";
  const include = namesOf(options.get("mx_include"));
  const exclude = namesOf(options.get("mx_exclude"));
  if (include === undefined) return "mx_include is no list of names";
  if (exclude === undefined) return "mx_exclude is no list of names";
  const exchangers = include.length + exclude.length === 0 ? null : { include, exclude };
  const isSourceOrdered = options.get("sourceip_random") === false;
  const isNonlocal = options.get("nonlocal_source") === true;
  const place = { transportId, server, port, domain, exchangers };
  const how = { tlsMode: tls as string | null, tls: choice, talk };
  return { ...place, ...how, sources, isSourceOrdered, isNonlocal, envelope, plugin };
}

function envelopeOf(options: HslArray): EnvelopeWish | string {
  const [sender, recipient] = [options.get("sender"), options.get("recipient")].map((value) =>
    value === null ? null : (addressOf(value) ?? undefined),
  );
  if (sender === undefined || (sender !== null && !isMailbox(sender))) return "sender is no address";
  if (recipient === undefined || recipient === "" || (recipient !== null && !isMailbox(recipient)))
    return "recipient is no address";
  const senderParameters = parametersOf(options.get("sender"));
  if (senderParameters === undefined) return "params of sender are none of an address";
  const recipientParameters = parametersOf(options.get("recipient"));
  if (recipientParameters === undefined) return "params of recipient are none of an address";
  const jobId = options.get("jobid");
  if (jobId !== null && typeof jobId !== "string") return "jobid is no text";
  const job = jobId === null ? null : textOf(jobId);
  return { sender, recipient, jobId: job, senderParameters, recipientParameters };
}

/** RFC 5321 4.1.2, esmtp-param: no space, no "=" and nothing that would end the command. */
const NAME = /^[A-Z0-9][A-Z0-9-]{0,63}$/;
const VALUE = /^[\x21-\x3c\x3e-\x7e]{0,500}$/;
const MOST_PARAMETERS = 20;

function parametersOf(address: Value): SaidParameters | null | undefined {
  const params = address instanceof HslArray ? address.get("params") : null;
  if (params === null) return null;
  if (!(params instanceof HslArray) || params.size > MOST_PARAMETERS) return undefined;
  const words = [...params.entries()].map(
    ([name, value]) => [String(name).toUpperCase(), wordOf(value)] as const,
  );
  const isFine = words.every(([name, value]) => NAME.test(name) && value !== undefined && VALUE.test(value));
  return isFine ? (Object.fromEntries(words) as SaidParameters) : undefined;
}

/** A word without a value is given none, or true. */
function wordOf(value: Value): string | undefined {
  if (value === null || value === true) return "";
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

function domainOf(value: Value): string | null | undefined {
  if (value === null) return null;
  const domain = typeof value === "string" ? canonicalDomain(textOf(value)) : null;
  return domain === null || domain === "" ? undefined : domain;
}

/** A text or a list of texts. */
function namesOf(value: Value): readonly string[] | undefined {
  if (value === null) return [];
  const items = value instanceof HslArray ? value.values() : [value];
  const names = items.map((item) =>
    typeof item === "string" && item.length <= 255 && /^[a-z0-9._-]*\*?[a-z0-9._-]*$/i.test(item)
      ? item.toLowerCase()
      : null,
  );
  return names.every((name) => name !== null) && names.length <= 1000 ? names : undefined;
}

/** An address or a name, as the manual has it; "lookup-mx" is what happens anyway. */
function hostOf(host: Value): Value {
  return host === null || host === "lookup-mx" ? null : HslArray.from([["host", host]]);
}

/** Text, a list of texts, or an array of host and port. */
function serverOf(value: Value): string | null | undefined {
  if (value === null) return null;
  if (typeof value === "string") return /^[\x21-\x7e]{1,512}$/.test(value) ? value : undefined;
  if (!(value instanceof HslArray) || value.size === 0) return undefined;
  if (!value.isList()) {
    const [host, port] = [value.get("host"), value.get("port")];
    if (typeof host !== "string" || (port !== null && !isPort(port))) return undefined;
    const name = isIP(host) === 6 ? `[${host}]` : host;
    return serverOf(port === null ? name : `${name}:${port}`);
  }
  const all = value.values().map(serverOf);
  return all.every((one) => typeof one === "string") ? all.join(",") : undefined;
}

function sourcesOf(value: Value): TryWish["sources"] | undefined {
  if (value === null) return [];
  const items = value instanceof HslArray && value.isList() ? value.values() : [value];
  const sources = items.map((item) => {
    const source = item instanceof HslArray ? (item.get("address") ?? item.get("id")) : item;
    const helo = item instanceof HslArray ? item.get("helo") : null;
    if (typeof source !== "string" || (helo !== null && typeof helo !== "string")) return null;
    const isName = helo === null || isHostName(helo);
    return isName && /^[\x21-\x7e]{1,255}$/.test(source) ? { source, helo } : null;
  });
  return sources.every((one) => one !== null) && sources.length <= 1000 ? sources : undefined;
}

function pluginOf(value: Value): TryWish["plugin"] | undefined {
  if (value === null) return null;
  const id = value instanceof HslArray ? value.get("id") : value;
  if (typeof id !== "string") return undefined;
  return { id: textOf(id), args: value instanceof HslArray ? value.get("arguments") : null };
}

function isPort(value: Value): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value < 65_536;
}

/** The same for wishes that differ only in what is said of a message: they share connections. */
export function wayKey(wish: TryWish): string {
  return wishKey({ ...wish, envelope: AS_IT_IS });
}

/** The same wish has the same key. */
export function wishKey(wish: TryWish): string {
  return bytesOf(JSON.stringify({ ...wish, plugin: null }));
}
