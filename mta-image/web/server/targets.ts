/**
 * Where the engines are: a list of hosts, and names of which every address is one, as the headless Service of a cluster
 * has it. Names are looked up again every few seconds; while a look-up fails the addresses known before stay, and the
 * failure is shown beside them. An engine whose address is gone is named for a while: nothing vanishes without a word.
 */
import type { Clock } from "#base/clock.ts";
import { describe } from "#base/error.ts";
import type { Failures } from "#web/shared/web-api.ts";

import type { WebConfig } from "./web-config.ts";

export interface Target {
  readonly name: string;
  readonly url: string;
}

/** How names are looked up; `node:dns/promises` outside tests. */
export interface NameService {
  lookup(host: string): Promise<readonly string[]>;
  /** Names of an address, or rejects. */
  reverse(address: string): Promise<readonly string[]>;
}

type Place = WebConfig["engines"]["discover"][number];

interface Known {
  readonly at: number;
  readonly targets: readonly Target[];
  readonly failure: string | null;
}

const FRESH_MS = 5_000;
/** As long as somebody may wonder where an engine is. */
const MISSED_MS = 120_000;

export class Targets {
  readonly #hosts: readonly Target[];
  readonly #places: readonly Place[];
  readonly #names: NameService;
  readonly #clock: Clock;
  readonly #known = new Map<Place, Known>();
  readonly #nameOf = new Map<string, string>();
  /** When each engine was last among the addresses of its place. */
  readonly #seen = new Map<string, { readonly host: string; readonly at: number }>();

  constructor(config: WebConfig["engines"], tools: { readonly names: NameService; readonly clock: Clock }) {
    this.#hosts = config.hosts;
    this.#places = config.discover;
    this.#names = tools.names;
    this.#clock = tools.clock;
  }

  async all(): Promise<{ readonly targets: readonly Target[]; readonly failures: Failures }> {
    const found = await Promise.all(this.#places.map((place) => this.#look(place)));
    const failures = found.flatMap(({ failure }, at) =>
      failure === null ? [] : [{ engine: this.#places[at]?.host ?? "", reason: failure }],
    );
    const targets = [...this.#hosts, ...found.flatMap((known) => known.targets)];
    return { targets, failures: [...failures, ...this.#missed(targets)] };
  }

  #missed(targets: readonly Target[]): Failures {
    const now = this.#clock.monotonic();
    const present = new Set(targets.map(({ name }) => name));
    return [...this.#seen].flatMap(([engine, { host, at }]) => {
      if (now - at > MISSED_MS) this.#seen.delete(engine);
      if (present.has(engine) || now - at > MISSED_MS) return [];
      return [{ engine, reason: `its address is gone from ${host} for ${Math.round((now - at) / 1000)} s` }];
    });
  }

  async #look(place: Place): Promise<Known> {
    const before = this.#known.get(place);
    const at = this.#clock.monotonic();
    if (before !== undefined && at - before.at < FRESH_MS) return before;
    const known = await this.#ask(place, at, before?.targets ?? []);
    this.#known.set(place, known);
    return known;
  }

  async #ask(place: Place, at: number, before: readonly Target[]): Promise<Known> {
    try {
      const addresses = [...(await this.#names.lookup(place.host))].sort();
      const targets = await Promise.all(addresses.map((address) => this.#target(place, address)));
      for (const { name } of targets) this.#seen.set(name, { host: place.host, at });
      return { at, targets, failure: targets.length === 0 ? "the name has no address" : null };
    } catch (error) {
      return { at, targets: before, failure: `cannot be looked up: ${describe(error)}` };
    }
  }

  async #target({ scheme, port }: Place, address: string): Promise<Target> {
    const host = address.includes(":") ? `[${address}]` : address;
    return { name: await this.#shortName(address), url: `${scheme}://${host}:${port}` };
  }

  /** "outbound-0" in place of its address, where the name service knows it. */
  async #shortName(address: string): Promise<string> {
    const known = this.#nameOf.get(address);
    if (known !== undefined) return known;
    const names = await this.#names.reverse(address).catch(() => []);
    // Beside the pod's own name there may be one made of its address, for Services that give none.
    const labels = names.map((full) => full.split(".")[0] ?? "");
    const name = labels.find((label) => /[a-z].*-\d+$/.test(label)) ?? address;
    if (this.#nameOf.size > 10_000) this.#nameOf.clear();
    if (name !== address) this.#nameOf.set(address, name);
    return name;
  }
}
