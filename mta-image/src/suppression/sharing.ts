/**
 * Keeps the suppression list equal to those of the cluster: each source is asked every few seconds for what has changed
 * in its list, and that is merged into ours. What a source does not answer it is asked again; where we had come to is
 * on disk with the rows. Sources change with the pods of the cluster. Nothing in here rejects.
 */
import { type Clock, sleep } from "#base/clock.ts";
import { Failure, describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";
import type { Peer } from "#contract/peer.ts";
import type { Changes, ChangesQuery, SharingState, SourcesOrder } from "#contract/suppression-sharing.ts";

import type { PeerKeys } from "../transfer/peer-keys.ts";
import { type ListSource, listSource } from "./list-source.ts";

/** What is shared; suppression-list.ts keeps it. */
export interface SharedList {
  readonly isOn: boolean;
  /** Null while it is off. */
  readonly size: number | null;
  readonly isUnshared: boolean;
  /** As the calls below, throws a Failure while the list is off or broken. */
  readTo(source: string): ChangesQuery;
  merge(source: string, changes: Changes): void;
  changes(query: ChangesQuery): Changes;
}

export interface SharingOptions {
  readonly list: SharedList;
  /** Null where the admin API has no certificates: nothing can then be fetched. */
  readonly keys: PeerKeys | null;
  readonly clock: Clock;
  readonly log: Log;
}

const EVERY_MS = 2000;
/** Rows that are merged in one piece, for which all else waits. */
const MOST_AT_ONCE = 100;

export class Sharing {
  readonly #options: SharingOptions;
  #followed = new Map<string, { readonly source: ListSource; readonly stop: AbortController }>();

  constructor(options: SharingOptions) {
    this.#options = options;
  }

  /** Null while the list is off. */
  get state(): SharingState | null {
    const { isUnshared: unshared, size } = this.#options.list;
    return size === null ? null : { sources: [...this.#followed.keys()], unshared, size };
  }

  /** From now on these. Throws a Failure `peer-keys-missing`; the others stay then. */
  follow({ peers }: SourcesOrder): SharingState {
    const { keys } = this.#options;
    if (keys === null && peers.length > 0)
      throw new Failure("peer-keys-missing", "admin.tls with clientca is needed to share the list");
    const wanted = new Map(peers.map((peer) => [`${peer.name} ${peer.url}`, peer]));
    for (const [id, { stop }] of this.#followed) if (!wanted.has(id)) stop.abort();
    const before = this.#followed;
    this.#followed = new Map(
      [...wanted].map(([id, peer]) => [id, before.get(id) ?? this.#begin(peer, keys as PeerKeys)]),
    );
    return this.state ?? { sources: [], unshared: false, size: 0 };
  }

  /** What another engine has not seen yet. Throws a Failure while the list is off or broken. */
  changes(query: ChangesQuery): Changes {
    return this.#options.list.changes(query);
  }

  close(): void {
    this.follow({ peers: [] });
  }

  #begin(peer: Peer, keys: PeerKeys): { readonly source: ListSource; readonly stop: AbortController } {
    const followed = { source: listSource(peer, keys), stop: new AbortController() };
    void this.#run(followed.source, followed.stop.signal);
    return followed;
  }

  async #run(source: ListSource, signal: AbortSignal): Promise<void> {
    const { clock, log, list } = this.#options;
    let isFailing = false;
    while (!signal.aborted) {
      let isMore = false;
      try {
        if (list.isOn) isMore = await this.#fetch(source, signal);
        isFailing = false;
      } catch (error) {
        const facts = { peer: source.name, error: describe(error) };
        if (!isFailing && !signal.aborted) log.warn(facts, "suppressions-not-fetched");
        isFailing = true;
      }
      if (!isMore) await sleep(clock, EVERY_MS, signal);
    }
    source.close();
  }

  /** True: there is more. */
  async #fetch(source: ListSource, signal: AbortSignal): Promise<boolean> {
    const { list } = this.#options;
    const from = list.readTo(source.name);
    const changes = await source.changes(from, signal);
    const isNews = changes.after !== from.after || changes.list !== from.list;
    if (isNews) await this.#merge(source.name, { from, changes, signal });
    return isNews && changes.isMore;
  }

  /** In parts, with as long for everything else in between: the first answers of a long list come one upon the other. */
  async #merge(
    name: string,
    parts: { readonly from: ChangesQuery; readonly changes: Changes; readonly signal: AbortSignal },
  ): Promise<void> {
    const { clock, list } = this.#options;
    const { from, changes, signal } = parts;
    for (let at = 0; !signal.aborted; at += MOST_AT_ONCE) {
      const rows = changes.rows.slice(at, at + MOST_AT_ONCE);
      const isLast = at + MOST_AT_ONCE >= changes.rows.length;
      const began = clock.monotonic();
      // How far it was read is written with the last part: until then all of them may come again.
      list.merge(name, { ...changes, rows, ...(isLast ? {} : from) });
      if (isLast) return;
      await sleep(clock, clock.monotonic() - began, signal);
    }
  }
}
