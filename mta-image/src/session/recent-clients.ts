/**
 * The addresses that the last sessions with mail came from: a few dozen, so that what hides clients is noticed soon
 * after it begins and soon after it ends. Sessions that bring no mail, such as those of load balancers that look
 * whether the port is open, do not count. Nothing here fails.
 */
/** As the admin API tells them (contract/admin-api.ts). */
export interface ClientFigures {
  readonly sessions: number;
  /** Each with a part of them, the most frequent first. */
  readonly addresses: { readonly address: string; readonly sessions: number }[];
}

/** As many as tell one client from many, and few enough to be sent with every answer. */
const KEPT = 64;

export class RecentClients {
  readonly #ring: string[] = [];
  #next = 0;

  /** "" is a process of this machine, which has no address. */
  note(address: string): void {
    if (address === "") return;
    this.#ring[this.#next] = address;
    this.#next = (this.#next + 1) % KEPT;
  }

  get figures(): ClientFigures {
    const counts = new Map<string, number>();
    for (const address of this.#ring) counts.set(address, (counts.get(address) ?? 0) + 1);
    const addresses = [...counts].map(([address, sessions]) => ({ address, sessions }));
    addresses.sort((a, b) => b.sessions - a.sessions || (a.address < b.address ? -1 : 1));
    return { sessions: this.#ring.length, addresses };
  }
}
