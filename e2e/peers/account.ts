/**
 * The account of a scenario (pure): who got a 250, who was delivered to, and what is still in a spool. Each that was
 * accepted is to be delivered exactly once, or to wait in a spool. Recipients stand for messages: each has one of its own.
 */
export interface Books {
  readonly accepted: Iterable<string>;
  /** Deliveries by recipient. */
  readonly delivered: ReadonlyMap<string, number>;
  /** Recipients that wait in a spool. */
  readonly queued: ReadonlySet<string>;
}

export interface Balance {
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
}

export function balance({ accepted, delivered, queued }: Books): Balance {
  const all = [...accepted];
  return {
    lost: all.filter((name) => !delivered.has(name) && !queued.has(name)),
    doubled: [...delivered].filter(([, times]) => times > 1).map(([name]) => name),
  };
}

export class Account {
  readonly #accepted = new Set<string>();

  get accepted(): ReadonlySet<string> {
    return this.#accepted;
  }

  /** smtp-source numbers from 1. Throws when one of them is there already: a ledger could not tell the two apart. */
  tookNumbered(messages: number, recipient: string): void {
    for (let at = 1; at <= messages; at++) this.took(`${at}${recipient}`);
  }

  took(recipient: string): void {
    if (this.#accepted.has(recipient)) throw new Error(`${recipient} is used a second time in this scenario`);
    this.#accepted.add(recipient);
  }

  /** The scenario itself has deleted or bounced what went there. */
  gaveUp(domain: string): void {
    for (const name of this.#accepted) if (name.endsWith(`@${domain}`)) this.#accepted.delete(name);
  }
}
