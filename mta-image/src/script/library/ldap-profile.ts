/**
 * The older way to directories: ldap_search() and ldap_bind() over profiles of the configuration. What fails is a number:
 * LDAP's code, or -1. Each call has a connection of its own, which it ends.
 */
import type { RunContext } from "../context.ts";
import { toText } from "../convert.ts";
import { Refusal } from "../error.ts";
import { type HostFunction, declare, optional, parameter } from "../host.ts";
import { type LdapConnection, type LdapEntry, type LdapProfile, type LdapTrouble, port } from "../ports.ts";
import type { TlsWish } from "../http-port.ts";
import type { Key } from "../key.ts";
import { HslArray, type Value } from "../value.ts";
import { entryArray, isTrouble } from "./ldap.ts";
import { escapeFilter, writeName } from "./ldap-names.ts";
import { flag, fromBytes, list } from "./subjects.ts";
import { tlsOptions } from "./tls-options.ts";

const { string, array } = parameter;
const profile = parameter.of<string | HslArray>("profile", "string or array", (value) =>
  typeof value === "string" || value instanceof HslArray ? value : undefined,
);

export const ldapFunctions: readonly HostFunction[] = [
  declare({
    name: "ldap_search",
    parameters: [profile, parameter.any("lookup"), optional(array("override"))],
    returns: "array or number",
    docs: "Entries of a directory as LDAPResult->next() gives them, for which the filter of the profile fits with the text in the place of %s (or %x, where nothing is escaped: a text from outside can then change the filter), or the items of an array in those of $1, $2 and so on; -1 when that failed. The profile is a name of `scripting.ldap`, or an array of its keys; `override` changes some, also by their older names `host`, `username` and `query`; and `tls_default_ca`, `tls_verify_peer`.",
    way: "promise",
    run: (context, name, lookup, override) => lookUp(context, profileOf(context, name, override), lookup),
  }),
  declare({
    name: "ldap_bind",
    parameters: [profile, string("username"), string("password"), optional(array("override"))],
    returns: "number",
    docs: "1 when the directory takes the password of the user (by `userdn` of the profile, else of the one entry that its filter finds), 0 when not, -1 when it could not be asked. An empty password is never right.",
    way: "promise",
    run: (context, name, username, password, override) =>
      password === "" ? 0 : logIn(context, profileOf(context, name, override), { username, password }),
  }),
];

/** What override may call keys of a profile, too. */
const olderNames: ReadonlyMap<Key, string> = new Map([
  ["host", "uri"],
  ["username", "binddn"],
  ["query", "filter"],
]);

type Profile = LdapProfile & { readonly tls: TlsWish };

function profileOf(context: RunContext, name: string | HslArray, override: HslArray | undefined): Profile {
  const ldap = port(context, "ldap");
  const known = typeof name === "string" ? ldap.profile(name) : null;
  if (typeof name === "string" && known === null) throw new Refusal(`there is no LDAP profile ${name}`);
  const given = HslArray.from([
    ...(name instanceof HslArray ? name.entries() : []),
    ...[...(override?.entries() ?? [])].map(([key, value]) => [olderNames.get(key) ?? key, value] as const),
  ]);
  const text = (key: string, otherwise: string | undefined): string => {
    const value = given.get(key);
    return value === null ? (otherwise ?? "") : fromBytes(toText(value));
  };
  const uri = given.get("uri");
  const attributes = given.get("attributes");
  const found: Profile = {
    uris: uri === null ? (known?.uris ?? []) : toText(uri).split(/\s+/),
    startTls: flag(given, "starttls", known?.startTls ?? false),
    bindDn: text("binddn", known?.bindDn),
    password: text("password", known?.password),
    base: text("base", known?.base),
    filter: text("filter", known?.filter),
    attributes: attributes instanceof HslArray ? attributes.values().map(toText) : (known?.attributes ?? []),
    userDn: text("userdn", known?.userDn),
    timeoutMs: known?.timeoutMs ?? 0,
    tls: tlsOptions(given),
  };
  if (found.uris.length === 0) throw new Refusal("an LDAP profile needs a uri");
  return found;
}

async function lookUp(context: RunContext, from: Profile, lookup: Value): Promise<Value> {
  const entries = await entriesOf(context, from, lookup);
  return isTrouble(entries) ? -1 : list(entries.map(entryArray));
}

/** All entries for one lookup, on a connection of its own. */
async function entriesOf(
  context: RunContext,
  from: Profile,
  lookup: Value,
): Promise<LdapEntry[] | LdapTrouble> {
  const connection = connectTo(context, from);
  try {
    const trouble = await greet(connection, from, from.bindDn, from.password);
    if (trouble !== null) return trouble;
    const entries: LdapEntry[] = [];
    const filter = filled(from.filter, lookup);
    const question = {
      scope: "sub",
      filter,
      attributes: from.attributes,
      pageSize: 0,
      timeLimitSeconds: 0,
    } as const;
    for await (const page of connection.search(from.base, question)) {
      if (isTrouble(page)) return page;
      entries.push(...page);
    }
    return entries;
  } finally {
    connection.close();
  }
}

/** The filter with what is looked up in its places. */
function filled(filter: string, lookup: Value): string {
  if (lookup instanceof HslArray) {
    const items = lookup.values().map((item) => escapeFilter(toText(item)));
    return filter.replace(/\$(\d{1,3})/g, (place, number: string) => items[Number(number) - 1] ?? place);
  }
  const text = toText(lookup);
  return filter.replace(/%[sx]/g, (place) => (place === "%s" ? escapeFilter(text) : fromBytes(text)));
}

async function logIn(
  context: RunContext,
  from: Profile,
  { username, password }: { readonly username: string; readonly password: string },
): Promise<number> {
  let dn = writeUser(from.userDn, username);
  if (dn === null) {
    const entries = await entriesOf(context, from, username);
    if (isTrouble(entries)) return -1;
    const [only, ...more] = entries;
    if (only === undefined || more.length > 0) return 0;
    dn = only.dn;
  }
  const connection = connectTo(context, from);
  const trouble = await greet(connection, from, dn, fromBytes(password));
  connection.close();
  if (trouble === null) return 1;
  return REFUSALS.has(trouble.code) ? 0 : -1;
}

/** Invalid DN, no such object, wrong way, wrong password, no right, unwilling. */
const REFUSALS: ReadonlySet<number> = new Set([32, 34, 48, 49, 50, 53]);

function writeUser(template: string, username: string): string | null {
  if (template === "") return null;
  const escaped = writeName([["cn", username]])?.slice("cn=".length) ?? "";
  return template.replaceAll("%s", () => fromBytes(escaped));
}

function connectTo(context: RunContext, { uris, timeoutMs, tls }: Profile): LdapConnection {
  const wish = { uris, connectTimeoutMs: timeoutMs, timeoutMs, tls };
  return port(context, "ldap").connect(wish, context.signal);
}

async function greet(
  connection: LdapConnection,
  { startTls }: LdapProfile,
  dn: string,
  password: string,
): Promise<LdapTrouble | null> {
  const trouble = startTls ? await connection.startTls() : null;
  if (trouble !== null) return trouble;
  return dn === "" ? null : connection.bind(dn, password);
}
