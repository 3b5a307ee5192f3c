/**
 * Directories: the class LDAP, as public scripts know it. What fails gives none and leaves LDAP's code at errno(). A
 * connection ends with the run that made it.
 */
import type { RunContext } from "../context.ts";
import { toText } from "../convert.ts";
import { Refusal } from "../error.ts";
import { type HostClass, declare, makeClass, methodsOf, optional, parameter } from "../host.ts";
import type { Key } from "../key.ts";
import { meter } from "../meter.ts";
import type { LdapConnection, LdapEntry, LdapQuestion, LdapTrouble } from "../ports.ts";
import { port } from "../ports.ts";
import { HostObject, HslArray, type Value } from "../value.ts";
import { codeText, escapeFilter, parseName, writeName } from "./ldap-names.ts";
import { fromBytes, list, option, toBytes } from "./subjects.ts";
import { tlsOptions } from "./tls-options.ts";
import { makeX509 } from "./x509.ts";

const { string, array } = parameter;
const BAD_PARAMETER: LdapTrouble = { code: -9, message: "" };
const settable = [
  "protocol_version",
  "referrals",
  "network_timeout",
  "timeout",
  "timelimit",
  "tls_verify_peer",
  "tls_verify_host",
  "tls_default_ca",
  "tls_ca",
] as const;

class Directory {
  readonly #context: RunContext;
  readonly #uris: readonly string[];
  readonly options = new Map<string, Value>();
  #open: LdapConnection | null = null;
  trouble: LdapTrouble = { code: 0, message: "" };

  constructor(context: RunContext, uri: string) {
    this.#context = context;
    this.#uris = uri.split(/\s+/).filter((one) => one !== "");
    if (this.#uris.length === 0 || !this.#uris.every((one) => /^ldaps?:\/\/[^\s/]*\/?$/i.test(one)))
      throw new Refusal("LDAP() wants ldap://host or ldaps://host, several with spaces between");
  }

  get connection(): LdapConnection {
    this.#open ??= port(this.#context, "ldap").connect(
      {
        uris: this.#uris,
        connectTimeoutMs: this.#seconds("network_timeout") * 1000,
        timeoutMs: this.#seconds("timeout") * 1000,
        tls: tlsOptions(HslArray.from([...this.options] as [Key, Value][])),
      },
      this.#context.signal,
    );
    return this.#open;
  }

  certificate(): Value {
    const found = this.#open?.certificate() ?? null;
    return found === null ? null : makeX509(found);
  }

  question(options: HslArray | undefined): LdapQuestion | null {
    const scope = toText(option(options, "scope") ?? "sub");
    if (scope !== "sub" && scope !== "one" && scope !== "base") return null;
    const attributes = option(options, "attributes");
    return {
      scope,
      filter: fromBytes(toText(option(options, "filter") ?? "(objectclass=*)")),
      attributes: attributes instanceof HslArray ? attributes.values().map(toText) : [],
      pageSize: Number(option(options, "pagesize") ?? 0) || 0,
      timeLimitSeconds: this.#seconds("timelimit"),
    };
  }

  close(): void {
    this.#open?.close();
    this.#open = null;
  }

  #seconds(name: string): number {
    const value = Number(this.options.get(name) ?? 0);
    return Math.max(value || 0, 0);
  }
}

class Entries {
  readonly #from: Directory;
  readonly #pages: AsyncGenerator<readonly LdapEntry[] | LdapTrouble>;
  #page: LdapEntry[];

  constructor(from: Directory, pages: Entries["pages"], first: readonly LdapEntry[]) {
    this.#from = from;
    this.#pages = pages;
    this.#page = [...first];
  }

  get pages(): AsyncGenerator<readonly LdapEntry[] | LdapTrouble> {
    return this.#pages;
  }

  async next(): Promise<Value> {
    const entry = this.#page.shift();
    if (entry !== undefined) return entryArray(entry);
    const { value, done } = await this.#pages.next();
    if (done === true) return false;
    if (isTrouble(value)) {
      this.#from.trouble = value;
      return null;
    }
    this.#page = [...value];
    return this.next();
  }
}

export function isTrouble(found: readonly LdapEntry[] | LdapTrouble): found is LdapTrouble {
  return "code" in found;
}

/** `["dn" => "…", "mail" => ["…"], …]`, values as bytes. */
export function entryArray({ dn, attributes }: LdapEntry): HslArray {
  const rows = attributes.map(([name, values]): [Key, Value] => {
    meter.allocate(values.reduce((sum, value) => sum + value.length, 0));
    return [name, list(values.map((value) => value.toString("latin1")))];
  });
  return HslArray.from([["dn", toBytes(dn)], ...rows]);
}

const self = parameter.object("self", "LDAP", (object) =>
  object.state instanceof Directory ? { object, ldap: object.state } : undefined,
);
const result = parameter.object("self", "LDAPResult", ({ state }) =>
  state instanceof Entries ? state : undefined,
);
const method = methodsOf(self);

type Self = { readonly object: HostObject; readonly ldap: Directory };

/** The object when it went well; none, and the trouble kept, when not. */
function chain({ object, ldap }: Self, trouble: LdapTrouble | null): Value {
  ldap.trouble = trouble ?? { code: 0, message: "" };
  return trouble === null ? object : null;
}

async function search({ ldap }: Self, base: string, options: HslArray | undefined): Promise<Value> {
  const question = ldap.question(options);
  if (question === null) {
    ldap.trouble = BAD_PARAMETER;
    return null;
  }
  const pages = ldap.connection.search(fromBytes(base), question);
  const first = await pages.next();
  const found = first.done === true ? [] : first.value;
  if (isTrouble(found)) {
    ldap.trouble = found;
    return null;
  }
  ldap.trouble = { code: 0, message: "" };
  return new HostObject(ldapResultClass, new Entries(ldap, pages, found));
}

export const ldapResultClass: HostClass = makeClass("LDAPResult", "What a search found.", {
  methods: [
    declare({
      ...methodsOf(result)(
        "next",
        [],
        "array, boolean or none",
        "The next entry: `dn`, and a list of values by attribute; false behind the last, none when something went wrong.",
      ),
      way: "promise",
      run: (_, entries) => entries.next(),
    }),
  ],
});

export const ldapClass: HostClass = makeClass("LDAP", "A connection to a directory (RFC 4511).", {
  construct: declare({
    name: "LDAP",
    parameters: [string("uri")],
    returns: "LDAP",
    docs: "ldap://host[:port] or ldaps://host; several with spaces between are tried in turn. Nothing is connected before the first use.",
    run: (context, uri): Value => new HostObject(ldapClass, new Directory(context, uri)),
  }),
  methods: [
    declare({
      ...method(
        "setoption",
        [string("name"), parameter.any("value")],
        "LDAP or none",
        "Before the first use: `network_timeout`, `timeout` and `timelimit` in seconds, `tls_verify_peer`, `tls_verify_host`, `tls_default_ca` (all true), `tls_ca`; `protocol_version` is 3 and `referrals` are not followed.",
      ),
      keeps: true,
      run: (_, at, name, value) => {
        const isKnown = settable.some((one) => one === name);
        const isPossible =
          name === "protocol_version" ? value === 3 : name !== "referrals" || value === false;
        if (!isKnown || !isPossible) return chain(at, BAD_PARAMETER);
        at.ldap.options.set(name, value);
        return chain(at, null);
      },
    }),
    declare({
      ...method(
        "getoption",
        [string("name")],
        "any or none",
        "An option, or `diagnostic_message`: what the server said last.",
      ),
      run: (_, { ldap }, name) => {
        if (name === "diagnostic_message") return toBytes(ldap.trouble.message);
        if (name === "protocol_version") return 3;
        return ldap.options.get(name) ?? null;
      },
    }),
    declare({
      ...method(
        "starttls",
        [],
        "LDAP or none",
        "Goes on within TLS; none when the server cannot, or is not who it has to be.",
      ),
      way: "promise",
      run: async (_, at) => chain(at, await at.ldap.connection.startTls()),
    }),
    declare({
      ...method(
        "bind",
        [optional(string("dn")), optional(string("cred"))],
        "LDAP or none",
        "Says who asks; nobody without arguments.",
      ),
      way: "promise",
      run: async (_, at, dn, cred) =>
        chain(at, await at.ldap.connection.bind(fromBytes(dn ?? ""), fromBytes(cred ?? ""))),
    }),
    declare({
      ...method(
        "search",
        [string("basedn"), optional(array("options"))],
        "LDAPResult or none",
        "Options: `scope` (sub, one, base), `filter`, `attributes` (a list), `pagesize` (entries at a time; without it at most 10,000 come).",
      ),
      way: "promise",
      run: (_, at, base, options) => search(at, base, options),
    }),
    declare({
      ...method("unbind", [], "LDAP or none", "Ends the connection; the next use makes another."),
      run: (_, at) => {
        at.ldap.close();
        return chain(at, null);
      },
    }),
    declare({
      ...method("errno", [], "number", "The code of the last call: 0 when it went well."),
      run: (_, { ldap }) => ldap.trouble.code,
    }),
    declare({
      ...method("getpeerx509", [], "X509 or none", "The server's certificate."),
      run: (_, { ldap }) => ldap.certificate(),
    }),
  ],
  statics: [
    declare({
      name: "err2string",
      parameters: [parameter.number("errno")],
      returns: "string",
      docs: "What a code means.",
      run: (_, code) => codeText(code),
    }),
    declare({
      name: "filter_escape",
      parameters: [string("value")],
      returns: "string",
      docs: "The value so that it means nothing else within a filter (RFC 4515).",
      run: (_, value) => escapeFilter(value),
    }),
    declare({
      name: "str2dn",
      parameters: [string("str")],
      returns: "array or none",
      docs: "A distinguished name as list of [type, value]; none for what is none.",
      run: (_, text) => {
        const parts = parseName(text);
        return parts === null ? null : list(parts.map((part) => list([...part])));
      },
    }),
    declare({
      name: "dn2str",
      parameters: [array("dn")],
      returns: "string or none",
      docs: "A list of [type, value] as distinguished name (RFC 4514).",
      run: (_, parts) => writeName(parts.values().map((part) => pairOf(part))),
    }),
  ],
});

function pairOf(part: Value): readonly [string, string] {
  if (!(part instanceof HslArray)) throw new Refusal("a distinguished name is a list of [type, value]");
  return [toText(part.get(0)), toText(part.get(1))];
}
