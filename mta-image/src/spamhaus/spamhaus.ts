/**
 * Spamhaus in one engine: its settings, changed by a reload, the key from its file, and the checks that sessions ask.
 * A key that cannot be read or is none does not keep the engine from working: mail passes, the figures say "no-key",
 * and the log says which file. The file is read again twice a minute, so a new key needs no reload; while it holds
 * none, the last good key stays in use, and it is looked at every other second. Each key is tried out on the test
 * points when it is taken into use, and again while there is trouble, so that the figures tell without any mail.
 */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";

import type { Clock, Timer } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { ProbeRequest, ProbeResult, SpamhausState } from "#contract/spamhaus-api.ts";
import type { SpamhausConfig, SpamhausList } from "#contract/spamhaus-config.ts";

import { SystemResolver } from "../dns/system-resolver.ts";
import { type SpamhausCounters, makeSpamhausCounters } from "./counters.ts";
import { Health } from "./health.ts";
import { type AskAddress, Lookup } from "./lookup.ts";
import { isKey } from "./names.ts";
import { builtInRules } from "./normalize-url.ts";
import { outcomeOf, probe } from "./probe.ts";
import { type StageSettings, stageSettings } from "./stage-settings.ts";
import { SpamhausChecks } from "./stages.ts";
import type { ErrorReason } from "./zones.ts";
import { readUrlRules } from "./url-rules.ts";

const READ_KEY_MS = 30_000;
/** A file that is not there yet is on its way: a Secret reaches a pod's volume within about a minute. */
const READ_MISSING_KEY_MS = 2000;
/** Of one try at one server; every server is tried twice within the deadline of a stage. */
const TRY_MS = 1500;
const TRIES = 2;

interface Key {
  readonly text: string;
  readonly file: string;
}

interface InForce {
  readonly config: SpamhausConfig;
  readonly stages: StageSettings;
  readonly ask: AskAddress;
  key: Key | null;
  /** The file held a key when it was read last. */
  isRead: boolean;
}

export class Spamhaus {
  readonly counters: SpamhausCounters = makeSpamhausCounters();
  readonly checks: SpamhausChecks;
  readonly lookup: Lookup;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #health: Health;
  /** Used where the part names none. */
  #resolvers: readonly string[] = [];
  #missing: readonly SpamhausList[] = [];
  #inForce: InForce | null = null;
  #timer: Timer | null = null;

  constructor(options: { clock: Clock; log: Log }) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.#health = new Health(options.clock);
    this.lookup = new Lookup({
      clock: options.clock,
      counters: this.counters,
      note: (finding) => this.#health.note(finding),
      settings: () => {
        const { key, config, ask } = this.#inForce as InForce;
        const { size, negative } = config.cache;
        return {
          key: key?.text ?? null,
          zone: config.zone,
          timeoutMs: config.timeout,
          cacheSize: size,
          negativeMs: negative,
          ask,
        };
      },
    });
    const settings = (): StageSettings | null => this.settings;
    this.counters.trouble = () => this.#trouble;
    this.checks = new SpamhausChecks({ lookup: this.lookup, settings, counters: this.counters });
  }

  /** Null while nothing is asked. */
  get settings(): StageSettings | null {
    return this.#inForce?.stages ?? null;
  }

  /** For the operator; null while nothing is asked. */
  get state(): SpamhausState | null {
    if (this.#inForce === null) return null;
    const { key } = this.#inForce;
    return {
      key: key === null ? null : basename(key.file),
      trouble: this.#trouble,
      missing: [...this.#missing],
    };
  }

  get #trouble(): ErrorReason | null {
    if (this.#inForce === null) return null;
    return this.#inForce.key === null ? "no-key" : this.#health.trouble;
  }

  /** Makes what a configuration needs; the result puts it in force. Throws a Failure for a code in no list and for rules that cannot be used. */
  async prepare(config: SpamhausConfig | undefined, resolvers: readonly string[]): Promise<() => void> {
    if (config === undefined) {
      return () => {
        this.#resolvers = resolvers;
        this.#timer?.cancel();
        this.#inForce = null;
      };
    }
    const urlRules = config.urlrules === undefined ? builtInRules : await readUrlRules(config.urlrules);
    const stages = stageSettings(config, urlRules);
    const ask = askerFor(config, resolvers);
    const read = await this.#readKey(config.keyfile);
    return () => {
      this.#resolvers = resolvers;
      const key = read ?? this.#inForce?.key ?? null;
      this.#inForce = { config, stages, ask, key, isRead: read !== null };
      this.#renew();
      this.#planRead();
    };
  }

  /** What key and lists of a configuration that is not in force would answer. Throws a Failure for servers that are none. */
  async probe({ spamhaus }: ProbeRequest): Promise<ProbeResult> {
    const key = (await this.#readKey(spamhaus.keyfile))?.text ?? null;
    const { zone, timeout, lists } = spamhaus;
    const settings = { key, zone, timeoutMs: timeout, ask: askerFor(spamhaus, this.#resolvers) };
    const probed = await probe(this.#clock, lists, settings);
    return { results: probed.map(({ list, finding }) => ({ list, outcome: outcomeOf(finding) })) };
  }

  close(): void {
    this.#timer?.cancel();
  }

  #planRead(): void {
    this.#timer?.cancel();
    const delayMs = this.#inForce?.isRead === false ? READ_MISSING_KEY_MS : READ_KEY_MS;
    this.#timer = this.#clock.after(delayMs, () => {
      const inForce = this.#inForce;
      if (inForce === null) return;
      void this.#readKey(inForce.config.keyfile).then((key) => {
        if (this.#inForce !== inForce) return;
        const isNew = key !== null && (key.text !== inForce.key?.text || key.file !== inForce.key.file);
        inForce.isRead = key !== null;
        if (isNew) {
          inForce.key = key;
          this.#renew();
        } else if (this.#health.trouble !== null) void this.#testOneself();
        this.#planRead();
      });
    });
  }

  /** Another key or other servers: what is known of the old ones says nothing of them. */
  #renew(): void {
    this.#health.forget();
    this.#missing = [];
    void this.#testOneself();
  }

  async #testOneself(): Promise<void> {
    const inForce = this.#inForce;
    if (inForce?.key == null) return;
    const { key, config, ask } = inForce;
    const settings = { key: key.text, zone: config.zone, timeoutMs: config.timeout, ask };
    const probed = await probe(this.#clock, config.lists, settings);
    if (this.#inForce !== inForce || inForce.key !== key) return;
    for (const { finding } of probed) this.#health.note(finding);
    this.#missing = probed.filter(({ finding }) => finding.kind === "clear").map(({ list }) => list);
  }

  /** Null, and a line in the log, when the file cannot be read or holds no key. */
  async #readKey(file: string): Promise<Key | null> {
    const content = await readFile(file, "utf8").catch(() => "");
    const text = content.trim().toLowerCase();
    if (isKey(text)) return { text, file };
    this.#log.error({ file }, "spamhaus-key-unusable");
    return null;
  }
}

function askerFor(config: SpamhausConfig, resolvers: readonly string[]): AskAddress {
  const servers = config.resolvers.length > 0 ? config.resolvers : resolvers;
  const resolver = new SystemResolver({ servers, timeoutMs: TRY_MS, tries: TRIES });
  return (name) => resolver.a(name);
}
