/**
 * Spamhaus in one engine: its settings, changed by a reload, the key from its file, and the checks that sessions ask.
 * A key that cannot be read or is none does not keep the engine from working: mail passes, the figures say "no-key",
 * and the log says which file. The file is read again twice a minute, so a new key needs no reload; while it holds
 * none, the last good key stays in use.
 */
import { readFile } from "node:fs/promises";
import { BlockList, isIPv4 } from "node:net";

import type { Clock, Timer } from "#base/clock.ts";
import { Failure } from "#base/error.ts";
import type { Log } from "#base/log.ts";
import type { SpamhausConfig } from "#contract/spamhaus-config.ts";

import { SystemResolver } from "../dns/system-resolver.ts";
import { type SpamhausCounters, makeSpamhausCounters } from "./counters.ts";
import { type AskAddress, Lookup } from "./lookup.ts";
import { isKey } from "./names.ts";
import { type UrlRules, builtInRules } from "./normalize-url.ts";
import { type StageSettings, SpamhausChecks } from "./stages.ts";
import { readUrlRules } from "./url-rules.ts";
import { zones } from "./zones.ts";

const READ_KEY_MS = 30_000;
/** Of one try at one server; every server is tried twice within the deadline of a stage. */
const TRY_MS = 1500;
const TRIES = 2;

interface InForce {
  readonly config: SpamhausConfig;
  readonly stages: StageSettings;
  readonly ask: AskAddress;
  key: string | null;
}

export class Spamhaus {
  readonly counters: SpamhausCounters = makeSpamhausCounters();
  readonly checks: SpamhausChecks;
  readonly #clock: Clock;
  readonly #log: Log;
  #inForce: InForce | null = null;
  #timer: Timer | null = null;

  constructor(options: { clock: Clock; log: Log }) {
    this.#clock = options.clock;
    this.#log = options.log;
    const lookup = new Lookup({
      clock: options.clock,
      counters: this.counters,
      settings: () => {
        const { key, config, ask } = this.#inForce as InForce;
        const { size, negative } = config.cache;
        return {
          key,
          zone: config.zone,
          timeoutMs: config.timeout,
          cacheSize: size,
          negativeMs: negative,
          ask,
        };
      },
    });
    const settings = (): StageSettings | null => this.#inForce?.stages ?? null;
    this.checks = new SpamhausChecks({ lookup, settings, counters: this.counters });
  }

  /** Makes what a configuration needs; the result puts it in force. Throws a Failure for a code in no list and for rules that cannot be used. */
  async prepare(config: SpamhausConfig | undefined, resolvers: readonly string[]): Promise<() => void> {
    if (config === undefined) {
      return () => {
        this.#timer?.cancel();
        this.#inForce = null;
      };
    }
    const urlRules = config.urlrules === undefined ? builtInRules : await readUrlRules(config.urlrules);
    const stages = stageSettings(config, urlRules);
    const servers = config.resolvers.length > 0 ? config.resolvers : resolvers;
    const resolver = new SystemResolver({ servers, timeoutMs: TRY_MS, tries: TRIES });
    const key = (await this.#readKey(config.keyfile)) ?? this.#inForce?.key ?? null;
    return () => {
      this.#inForce = { config, stages, ask: (name) => resolver.a(name), key };
      this.#planRead();
    };
  }

  close(): void {
    this.#timer?.cancel();
  }

  #planRead(): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(READ_KEY_MS, () => {
      const inForce = this.#inForce;
      if (inForce === null) return;
      void this.#readKey(inForce.config.keyfile).then((key) => {
        if (this.#inForce !== inForce) return;
        if (key !== null) inForce.key = key;
        this.#planRead();
      });
    });
  }

  /** Null, and a line in the log, when the file cannot be read or holds no key. */
  async #readKey(file: string): Promise<string | null> {
    const text = await readFile(file, "utf8").catch(() => "");
    const key = text.trim().toLowerCase();
    if (isKey(key)) return key;
    this.#log.error({ file }, "spamhaus-key-unusable");
    return null;
  }
}

function stageSettings(config: SpamhausConfig, urlRules: UrlRules): StageSettings {
  const codes = new Set(Object.values(zones).flatMap(({ listings }) => listings.map(({ code }) => code)));
  const wrong = Object.keys(config.actions).find((name) => name.startsWith("127.") && !codes.has(name));
  if (wrong !== undefined)
    throw new Failure("spamhaus-code", `spamhaus.actions: no list has the code ${wrong}`);
  const exemptNetworks = new BlockList();
  for (const network of config.exceptions.networks) {
    const [address = "", bits] = network.split("/");
    const family = isIPv4(address) ? "ipv4" : "ipv6";
    exemptNetworks.addSubnet(address, Number(bits ?? (family === "ipv4" ? 32 : 128)), family);
  }
  return {
    lists: new Set(config.lists),
    policy: { actions: config.actions, failOpen: config.failopen },
    isExemptClient: (ip) => exemptNetworks.check(ip, isIPv4(ip) ? "ipv4" : "ipv6"),
    exemptDomains: new Set(config.exceptions.domains.map((domain) => domain.toLowerCase())),
    limits: config.limits,
    urlRules,
  };
}
