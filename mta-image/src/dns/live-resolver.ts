/**
 * The resolver in use, changed by a reload: a cache in front of the system's resolver or of the servers that the
 * configuration names. The cache is kept when a reload leaves the settings alone. Never rejects.
 */
import type { Clock } from "#base/clock.ts";

import { type Answer, CachingResolver, type MxRecord, type RecordResolver } from "./resolver.ts";
import { SystemResolver } from "./system-resolver.ts";

export interface ResolverSettings {
  readonly servers: readonly string[];
  readonly cacheSize: number;
}

/** resolv.conf's defaults are 5 s and 2 tries; mail can wait, connections should not. */
const TIMEOUT_MS = 3000;
const TRIES = 3;

export class LiveResolver implements RecordResolver {
  readonly #clock: Clock;
  readonly #settings: () => ResolverSettings;
  #inUse: { readonly settings: ResolverSettings; readonly resolver: RecordResolver } | null = null;

  constructor(options: { readonly clock: Clock; readonly settings: () => ResolverSettings }) {
    this.#clock = options.clock;
    this.#settings = options.settings;
  }

  mx(domain: string): Promise<Answer<MxRecord>> {
    return this.#current.mx(domain);
  }

  a(name: string): Promise<Answer<string>> {
    return this.#current.a(name);
  }

  aaaa(name: string): Promise<Answer<string>> {
    return this.#current.aaaa(name);
  }

  txt(name: string): Promise<Answer<readonly string[]>> {
    return this.#current.txt(name);
  }

  ptr(name: string): Promise<Answer<string>> {
    return this.#current.ptr(name);
  }

  cname(name: string): Promise<Answer<string>> {
    return this.#current.cname(name);
  }

  get #current(): RecordResolver {
    const settings = this.#settings();
    if (this.#inUse !== null && isSame(this.#inUse.settings, settings)) return this.#inUse.resolver;
    const { servers, cacheSize } = settings;
    const inner = new SystemResolver({ servers, timeoutMs: TIMEOUT_MS, tries: TRIES });
    const resolver =
      cacheSize === 0 ? inner : new CachingResolver(inner, { clock: this.#clock, maxEntries: cacheSize });
    this.#inUse = { settings, resolver };
    return resolver;
  }
}

function isSame(a: ResolverSettings, b: ResolverSettings): boolean {
  return a === b || (a.cacheSize === b.cacheSize && a.servers.join() === b.servers.join());
}
