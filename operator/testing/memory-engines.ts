/** Engines in memory behind the Engines interface, by address: for tests of the whole operator without sockets. */
import { Failure } from "#base/error.ts";
import {
  type ConfigPush,
  type DrainOrder,
  type EngineStatus,
  type Problem,
  type SpreadRequest,
  stateUnder,
} from "#contract/admin-api.ts";
import { appFile } from "#contract/config.ts";
import type { ShareOrder, ShareState } from "#contract/rules-api.ts";
import type { ProbeOrder, ProbeResult } from "#contract/spamhaus-api.ts";
import type { SharingState, SourcesOrder } from "#contract/suppression-sharing.ts";
import type { EngineAddress, Engines, PushOutcome } from "#operator/engine/engines.ts";

import { keyFileOf, sectionIn } from "#operator/spamhaus/section.ts";

import { settledStatus } from "./fake-engine.ts";

/** As an engine that reads the key at once; trouble that a test set stays. */
function spamhausOf(app: string, before: EngineStatus["spamhaus"]): EngineStatus["spamhaus"] {
  const section = sectionIn(app);
  if (section === null) return null;
  return { trouble: null, missing: [], ...before, key: keyFileOf(section) };
}

/** A new engine of a cluster has no share until it is told one. */
const noShare: ShareState = { shares: { n: 0, of: 1 }, version: 0, held: 0, isStarved: false };

export class MemoryEngines implements Engines {
  readonly byIp = new Map<string, EngineStatus>();
  /** Addresses that take calls and do not answer. */
  readonly silent = new Set<string>();
  readonly pushes: { readonly ip: string; readonly revision: string; readonly files: readonly string[] }[] =
    [];
  readonly orders: { readonly ip: string; readonly mode: string; readonly peers: readonly string[] }[] = [];
  /** Every share that somebody was told: "1/3". */
  readonly shares: { readonly ip: string; readonly share: string }[] = [];
  problems: readonly Problem[] = [];
  /** Trials of keys for Spamhaus, and what every list answers with the key of that file. */
  readonly probes: { readonly ip: string; readonly file: string }[] = [];
  probeOutcome: (file: string) => string = () => "listed";

  /** Whether engines that start from now on can hand their queue to peers. */
  canHandOver = false;
  /** Whether engines that start from now on can spread their mail. */
  canSpread = false;
  /** Whether engines that start from now on keep a suppression list. */
  keepsList = false;
  /** Orders to spread, as they came. */
  readonly spreads: { readonly ip: string; readonly peers: SpreadRequest["peers"] }[] = [];
  /** Addresses that take no orders. */
  readonly disobedient = new Set<string>();
  /** Addresses that take mail of nobody and tell nobody what they took. */
  readonly deaf = new Set<string>();
  readonly #peers = new Map<string, readonly string[]>();
  readonly #shares = new Map<string, Map<string, number>>();

  /** `app` is the smtpd-app.yaml that it starts with. */
  start(ip: string, revision: string, app = ""): void {
    const spread = this.canSpread ? { spreading: 0, spread: 0 } : {};
    const handover = this.canHandOver
      ? { handover: { given: 0, unanswered: 0, waitsFor: null, ...spread } }
      : {};
    const spamhaus = spamhausOf(app, null);
    const list = this.keepsList ? { suppression: { sources: [], unshared: false, size: 0 } } : {};
    this.byIp.set(ip, { ...settledStatus, ...handover, share: noShare, revision, spamhaus, ...list });
    this.#peers.delete(ip);
    this.#shares.delete(ip);
    if (this.canSpread) this.queue(ip, 0);
  }

  /** As much as an engine gives in one turn. */
  turn(batch = 50): void {
    for (const [ip, status] of this.byIp) if (status.state === "Draining") this.#give(ip, status, batch);
    for (const [ip, shares] of this.#shares) this.#spread(ip, shares, batch);
  }

  /** One batch to the first peer that has some of its share left. */
  #spread(ip: string, shares: Map<string, number>, batch: number): void {
    const [peer, share] = [...shares][0] ?? ["", 0];
    const from = this.byIp.get(ip);
    if (from === undefined || !this.byIp.has(peer)) return void shares.delete(peer);
    const count = Math.min(batch, share, from.queue.portable ?? 0);
    if (count === share || count < batch) shares.delete(peer);
    else shares.set(peer, share - count);
    this.queue(ip, from.queue.total - count);
    this.queue(peer, (this.byIp.get(peer)?.queue.total ?? 0) + count);
    const spreading = [...shares.values()].reduce((sum, left) => sum + left, 0);
    const { given = 0, spread = 0 } = from.handover ?? {};
    const told = { given: given + count, spread: spread + count, spreading };
    this.change(ip, { handover: { unanswered: 0, waitsFor: null, ...told } });
  }

  queue(ip: string, active: number): void {
    const queue = { total: active, active, deferred: 0, hold: 0, oldestDueSeconds: active > 0 ? 1 : 0 };
    const isKnown = this.#at(ip).handover?.spreading !== undefined;
    this.change(ip, { queue: isKnown ? { ...queue, portable: active } : queue });
  }

  /** Everything that is queued anywhere. */
  get queued(): number {
    return [...this.byIp.values()].reduce((sum, { queue }) => sum + queue.total, 0);
  }

  #give(ip: string, { queue, handover }: EngineStatus, batch: number): void {
    const peer = (this.#peers.get(ip) ?? []).find((each) => this.byIp.has(each));
    const count = Math.min(batch, queue.total);
    if (peer === undefined || count === 0) return;
    const { given = 0 } = handover ?? {};
    if (this.deaf.has(peer)) {
      const waitsFor = `${peer}: no answer`;
      this.change(ip, { handover: { given, unanswered: count, waitsFor } });
      return;
    }
    this.queue(ip, queue.total - count);
    this.queue(peer, (this.byIp.get(peer)?.queue.total ?? 0) + count);
    this.change(ip, { handover: { given: given + count, unanswered: 0, waitsFor: null } });
  }

  change(ip: string, change: Partial<EngineStatus>): void {
    this.byIp.set(ip, { ...this.#at(ip), ...change });
  }

  async status({ ip }: EngineAddress): Promise<EngineStatus> {
    return this.#at(ip);
  }

  async push({ ip }: EngineAddress, push: ConfigPush): Promise<PushOutcome> {
    this.#at(ip);
    this.pushes.push({ ip, revision: push.revision, files: Object.keys(push.files).sort() });
    if (this.problems.length > 0) return { kind: "refused", problems: this.problems };
    const spamhaus = spamhausOf(push.files[appFile] ?? "", this.#at(ip).spamhaus ?? null);
    this.change(ip, { revision: push.revision, spamhaus });
    return { kind: "taken", revision: push.revision };
  }

  async drain({ ip }: EngineAddress, order: DrainOrder): Promise<EngineStatus> {
    const { mode, peers = [] } = order;
    this.#at(ip);
    if (this.disobedient.has(ip)) throw new Failure("engine-broken", `engine ${ip} sent status 500`);
    this.orders.push({ ip, mode, peers: peers.map(({ name }) => name) });
    const addresses = peers.map(({ url }) => new URL(url).hostname);
    this.#peers.set(ip, addresses);
    this.#shares.delete(ip);
    this.change(ip, { state: stateUnder[mode] });
    return this.#at(ip);
  }

  async spread({ ip }: EngineAddress, { peers }: SpreadRequest): Promise<EngineStatus | null> {
    const { state, handover } = this.#at(ip);
    if (handover?.spreading === undefined || state !== "Serving" || this.disobedient.has(ip)) return null;
    this.spreads.push({ ip, peers });
    this.#shares.set(ip, new Map(peers.map(({ url, recipients }) => [new URL(url).hostname, recipients])));
    const spreading = peers.reduce((sum, { recipients }) => sum + recipients, 0);
    this.change(ip, { handover: { ...handover, spreading } });
    return this.#at(ip);
  }

  async share({ ip }: EngineAddress, { after, ...order }: ShareOrder): Promise<ShareState | null> {
    const { share = noShare } = this.#at(ip);
    const { shares } = order;
    if (after !== undefined && after !== share.version) return null;
    this.shares.push({ ip, share: `${shares.n}/${shares.of}` });
    const next = { ...share, ...order, version: share.version + 1, held: shares.n / shares.of };
    this.change(ip, { share: next });
    return next;
  }

  async follow({ ip }: EngineAddress, { peers }: SourcesOrder): Promise<SharingState | null> {
    const { suppression } = this.#at(ip);
    if (suppression == null) return null;
    const next = { ...suppression, sources: peers.map(({ name, url }) => `${name} ${url}`) };
    this.change(ip, { suppression: next });
    return next;
  }

  async probe({ ip }: EngineAddress, { spamhaus }: ProbeOrder): Promise<ProbeResult> {
    this.#at(ip);
    const file = spamhaus.keyfile.slice(spamhaus.keyfile.lastIndexOf("/") + 1);
    this.probes.push({ ip, file });
    const outcome = this.probeOutcome(file);
    return { results: (spamhaus.lists ?? []).map((list) => ({ list, outcome })) };
  }

  async close(): Promise<void> {}

  #at(ip: string): EngineStatus {
    const status = this.byIp.get(ip);
    if (status === undefined || this.silent.has(ip)) {
      throw new Failure("engine-unreachable", `engine ${ip}: no answer`);
    }
    return status;
  }
}
