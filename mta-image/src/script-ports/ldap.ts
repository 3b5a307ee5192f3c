/**
 * Directories for scripts, by ldapts, which is loaded with the first use. A connection is made with the first question, to the
 * first server that answers, and never again behind the script's back: a second one would be without TLS and without
 * the name that the first was bound to. It ends with the script's run. Nothing here rejects.
 */
import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { type ConnectionOptions, type TLSSocket, connect, rootCertificates } from "node:tls";

import type {
  LdapConnection,
  LdapEntry,
  LdapPort,
  LdapProfile,
  LdapQuestion,
  LdapTrouble,
  LdapWish,
} from "../script/ports.ts";

type Ldapts = typeof import("ldapts");
type Client = InstanceType<Ldapts["Client"]>;

type Entry = Awaited<ReturnType<Client["search"]>>["searchEntries"][number];

const CONNECT_MS = 10_000;
const ANSWER_MS = 30_000;
/** Of one search without pages: all of them are in memory at once. */
const MOST_ENTRIES = 10_000;

const DOWN: LdapTrouble = { code: -1, message: "" };

export function makeLdapPort(profiles: () => ReadonlyMap<string, LdapProfile>): LdapPort {
  return {
    profile: (name) => profiles().get(name) ?? null,
    connect: (wish, signal) => new Connection(wish, signal),
  };
}

/** Asks for all values as bytes: as text, those that are no UTF-8 would be damaged. */
class AllAttributes extends Array<string> {
  override includes(): boolean {
    return true;
  }
}

class Connection implements LdapConnection {
  readonly #wish: LdapWish;
  readonly #ended: AbortSignal;
  #client: Client | null = null;
  #secure: TLSSocket | null = null;
  #host = "";
  #isOver = false;

  constructor(wish: LdapWish, signal: AbortSignal) {
    this.#wish = wish;
    this.#ended = signal;
    signal.addEventListener("abort", () => this.close(), { once: true });
  }

  startTls(): Promise<LdapTrouble | null> {
    return this.#with((client) => client.startTLS({ ...this.#tls(), ...nameOf(this.#host) }));
  }

  bind(dn: string, password: string): Promise<LdapTrouble | null> {
    return this.#with((client) => client.bind(dn, password));
  }

  async *search(base: string, question: LdapQuestion): AsyncGenerator<readonly LdapEntry[] | LdapTrouble> {
    const { scope, filter, attributes, pageSize, timeLimitSeconds } = question;
    const options = {
      scope,
      filter,
      attributes: [...attributes],
      explicitBufferAttributes: new AllAttributes(),
      timeLimit: timeLimitSeconds,
    };
    let pages: AsyncGenerator<Awaited<ReturnType<Client["search"]>>> | null = null;
    for (;;) {
      let found: readonly LdapEntry[] | null = null;
      const trouble = await this.#with(async (client) => {
        if (pageSize > 0) pages ??= client.searchPaginated(base, { ...options, paged: { pageSize } });
        const page =
          pages === null
            ? await client.search(base, { ...options, sizeLimit: MOST_ENTRIES })
            : (await pages.next()).value;
        found = page?.searchEntries.map(entryOf) ?? null;
      });
      if (trouble !== null) yield trouble;
      else if (found !== null) yield found;
      if (trouble !== null || found === null || pages === null) return;
    }
  }

  certificate(): X509Certificate | null {
    return this.#secure?.getPeerX509Certificate() ?? null;
  }

  close(): void {
    this.#isOver = true;
    void this.#client?.unbind().catch(() => undefined);
  }

  async #with(ask: (client: Client) => Promise<unknown>): Promise<LdapTrouble | null> {
    if (this.#isOver || this.#ended.aborted) return DOWN;
    const { Client, ResultCodeError } = await import("ldapts");
    const first = this.#client;
    if (first !== null) {
      // The client would connect anew.
      if (!first.isConnected) return DOWN;
      return trouble(() => ask(first), ResultCodeError);
    }
    let last: LdapTrouble | null = DOWN;
    for (const uri of this.#wish.uris) {
      const client = this.#makeClient(Client, uri);
      this.#client = client;
      this.#host = new URL(uri).hostname.replace(/^\[(.*)\]$/, "$1");
      last = await trouble(() => ask(client), ResultCodeError);
      if (last === null || last.code !== DOWN.code || this.#isOver) break;
    }
    return last;
  }

  #makeClient(Client: Ldapts["Client"], url: string): Client {
    const { connectTimeoutMs, timeoutMs } = this.#wish;
    return new Client({
      url,
      connectTimeout: connectTimeoutMs > 0 ? connectTimeoutMs : CONNECT_MS,
      timeout: timeoutMs > 0 ? timeoutMs : ANSWER_MS,
      strictDN: false,
      ...(url.toLowerCase().startsWith("ldaps:") ? { tlsOptions: this.#tls() } : {}),
      createSecureConnection: ((...args: Parameters<typeof connect>) => {
        this.#secure = connect(...args);
        return this.#secure;
      }) as typeof connect,
    });
  }

  #tls(): ConnectionOptions {
    const { verifyPeer, verifyHost, ca, defaultCa } = this.#wish.tls;
    return {
      ca: [...(defaultCa ? rootCertificates : []), ...ca],
      rejectUnauthorized: verifyPeer,
      ...(verifyHost ? {} : { checkServerIdentity: () => undefined }),
    };
  }
}

/** Against which the certificate is held. */
function nameOf(host: string): ConnectionOptions {
  return isIP(host) === 0 ? { servername: host } : { host };
}

function entryOf({ dn, ...attributes }: Entry): LdapEntry {
  const rows = Object.entries(attributes).map(([name, value]) => {
    const values = (Array.isArray(value) ? value : [value]).map((one) => Buffer.from(one));
    return [name, values] as const;
  });
  return { dn, attributes: rows };
}

/** OpenLDAP's codes for what went wrong on this side. */
const FILTER_ERROR = -7;
const TIMED_OUT = -5;

async function trouble(
  ask: () => Promise<unknown>,
  ResultCode: Ldapts["ResultCodeError"],
): Promise<LdapTrouble | null> {
  try {
    await ask();
    return null;
  } catch (error) {
    const { message } = error as Error;
    if (error instanceof ResultCode) return { code: error.code, message };
    if (/filter|unbalanced|parenthes/i.test(message)) return { code: FILTER_ERROR, message };
    if (/timed? ?out/i.test(message)) return { code: TIMED_OUT, message };
    return { ...DOWN, message };
  }
}
