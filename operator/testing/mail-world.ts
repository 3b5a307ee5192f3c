/**
 * The mail of a small world of slots: spools that take, deliver and hand over messages as engines do, one step a turn.
 * It throws when a message is delivered twice. What belongs to a spool outlives its pod: the mail, the batches that a
 * peer may have (`away`), and the note of what was taken from others (`taken`). It throws as well when a message is found
 * in two spools.
 */
export interface Spool {
  readonly mail: Set<number>;
  /** "batch/message": the same message may come back in another batch. */
  readonly taken: Set<string>;
  away: Batch[];
}

export interface Batch {
  readonly number: number;
  readonly peer: number;
  readonly ids: readonly number[];
  /** Sent, and no answer can have come yet. */
  isFlying: boolean;
}

/** What a turn needs to know of the engine that has the spool open; null: there is none. */
export interface Mouth {
  readonly mode: "Serve" | "Cordon" | "Drain" | "Fence";
  readonly peers: readonly number[];
  /** While it serves: messages that each of them may still get. */
  readonly shares?: Map<number, number>;
}

export interface Turn {
  /** Messages that each serving engine takes, and that each engine delivers. */
  readonly arriving: number;
  readonly delivered: number;
  /** Answers to batches get lost in this turn; with "before" the batch too. */
  readonly lost: "none" | "answer" | "batch";
}

export function newSpool(): Spool {
  return { mail: new Set(), taken: new Set(), away: [] };
}

export function holds({ mail, away }: Spool): number {
  return mail.size + away.reduce((total, { ids }) => total + ids.length, 0);
}

export function unanswered({ away }: Spool): number {
  return away.reduce((total, { ids, isFlying }) => total + (isFlying ? 0 : ids.length), 0);
}

/** Messages that are still to go to peers while the engine serves. */
export function spreading({ shares }: Mouth): number {
  return [...(shares?.values() ?? [])].reduce((sum, share) => sum + share, 0);
}

export class MailWorld {
  readonly accepted = new Set<number>();
  readonly delivered = new Set<number>();
  /** Batches that came to an engine while its giver served. */
  spread = 0;
  #next = 1;

  /** One turn of all spools: what was sent arrives, who owes an answer is asked, then mail comes, goes and is given. */
  turn(spools: ReadonlyMap<number, Spool>, mouths: ReadonlyMap<number, Mouth>, turn: Turn): void {
    const open = [...mouths].flatMap(([slot, mouth]) => {
      const spool = spools.get(slot);
      return spool === undefined ? [] : [{ slot, spool, mouth }];
    });
    for (const [slot, spool] of spools) this.#land(slot, spool, { spools, mouths, turn });
    for (const { spool, mouth } of open) ask(spool, mouth, spools, mouths);
    for (const { spool, mouth } of open) this.#work(spool, mouth, turn);
    this.#checkPlaces([...spools.values()]);
  }

  /** What is away may be with the peer; its giver has no hands on it. */
  #checkPlaces(spools: readonly Spool[]): void {
    const found = new Set<number>();
    for (const id of spools.flatMap(({ mail }) => [...mail])) {
      if (found.has(id)) throw new Error(`message ${id} is in two spools`);
      if (this.delivered.has(id)) throw new Error(`message ${id} is delivered and in a spool`);
      found.add(id);
    }
    const kept = spools.flatMap(({ away }) => away.flatMap(({ ids }) => ids));
    const held = new Set([...found, ...kept, ...this.delivered]);
    for (const id of this.accepted) if (!held.has(id)) throw new Error(`message ${id} is nowhere`);
  }

  #land(
    slot: number,
    giver: Spool,
    world: { spools: ReadonlyMap<number, Spool>; mouths: ReadonlyMap<number, Mouth>; turn: Turn },
  ): void {
    for (const batch of giver.away) {
      if (!batch.isFlying) continue;
      batch.isFlying = false;
      const peer = world.mouths.has(batch.peer) ? world.spools.get(batch.peer) : undefined;
      if (peer === undefined || world.turn.lost === "batch") continue;
      // One that is leaving takes none.
      if (world.mouths.get(batch.peer)?.mode !== "Serve") continue;
      if (world.mouths.get(slot)?.mode === "Serve") this.spread++;
      for (const id of batch.ids) {
        peer.mail.add(id);
        peer.taken.add(`${batch.number}/${id}`);
      }
      // Nobody is there to hear the answer, or it was told to give to others meanwhile.
      const isHeard = world.mouths.get(slot)?.peers.includes(batch.peer) === true;
      if (isHeard && world.turn.lost === "none") giver.away = giver.away.filter((each) => each !== batch);
    }
  }

  #work(spool: Spool, mouth: Mouth, { arriving, delivered }: Turn): void {
    const { mode } = mouth;
    if (mode === "Serve") for (let i = 0; i < arriving; i++) this.#accept(spool);
    for (const id of [...spool.mail].slice(0, mode === "Fence" ? 0 : delivered)) {
      if (this.delivered.has(id)) throw new Error(`message ${id} is delivered twice`);
      this.delivered.add(id);
      spool.mail.delete(id);
    }
    this.#give(spool, mouth);
  }

  #give(spool: Spool, { mode, peers, shares }: Mouth): void {
    const free = peers.filter((each) => !spool.away.some((batch) => batch.peer === each));
    const peer = mode === "Drain" ? free[0] : free.find((each) => shares?.has(each));
    if (peer === undefined) return;
    const share = mode === "Drain" ? Infinity : (shares?.get(peer) ?? 0);
    const ids = [...spool.mail].slice(0, Math.min(3, share));
    if (share > ids.length && ids.length > 0) shares?.set(peer, share - ids.length);
    else shares?.delete(peer);
    if (ids.length === 0) return;
    for (const id of ids) spool.mail.delete(id);
    spool.away.push({ number: this.#next++, peer, ids, isFlying: true });
  }

  #accept(spool: Spool): void {
    const id = this.#next++;
    this.accepted.add(id);
    spool.mail.add(id);
  }
}

/** Those of a batch that the peer did not take are ours again. */
function ask(
  giver: Spool,
  mouth: Mouth,
  spools: ReadonlyMap<number, Spool>,
  mouths: ReadonlyMap<number, Mouth>,
): void {
  for (const batch of giver.away) {
    const peer = mouths.has(batch.peer) ? spools.get(batch.peer) : undefined;
    if (batch.isFlying || peer === undefined || !mouth.peers.includes(batch.peer)) continue;
    giver.away = giver.away.filter((each) => each !== batch);
    for (const id of batch.ids) if (!peer.taken.has(`${batch.number}/${id}`)) giver.mail.add(id);
  }
}
