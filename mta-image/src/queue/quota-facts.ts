/**
 * What is known of mail for quotas, before anybody tries it. Where it goes is known once the hosts of its line have been
 * looked up, and remembered for the next mail to that domain, a bounded number of them; where it leaves from, when there is but
 * one address. A fact that is not known yet is "".
 */
import { type Envelope, domainOf } from "../message/envelope.ts";
import type { Grouping, Remote } from "./grouping.ts";
import type { Facts } from "./matching.ts";

export interface KnownLine {
  readonly transportId: string;
  readonly domain: string;
  readonly jobId: string;
  readonly tenantId: string;
  /** "": that of its mail exchangers. */
  readonly grouping: string;
  readonly localIps: readonly string[] | null;
  readonly state: { readonly remote: Remote | null } | null;
}

const MOST_PLACES = 10_000;

export class QuotaFacts {
  readonly #grouping: () => Grouping;
  readonly #sourcesFor: (transportId: string) => readonly string[];
  /** By transport and domain; the last used at the end. */
  readonly #places = new Map<string, Remote>();

  constructor(options: {
    readonly grouping: () => Grouping;
    readonly sourcesFor: (transportId: string) => readonly string[];
  }) {
    this.#grouping = options.grouping;
    this.#sourcesFor = options.sourcesFor;
  }

  ofLine(line: KnownLine): Facts {
    const place = placeOf(line);
    const remote = line.state?.remote ?? this.#places.get(place);
    if (remote !== undefined) this.#remember(place, remote);
    return this.#facts(line, remote);
  }

  ofMail({ transportId, jobId = "", tenantId = "" }: Envelope, recipient: string): Facts {
    const domain = domainOf(recipient);
    const line = { transportId, jobId, tenantId, domain, grouping: "", localIps: null };
    return this.#facts(line, this.#places.get(placeOf(line)));
  }

  #facts(line: Omit<KnownLine, "state">, remote: Remote | undefined): Facts {
    const sources = line.localIps ?? this.#sourcesFor(line.transportId);
    const group = remote === undefined ? "" : this.#grouping()(remote, line.domain);
    return {
      tenantid: line.tenantId,
      jobid: line.jobId,
      transportid: line.transportId,
      localip: sources.length === 1 ? (sources[0] ?? "") : "",
      grouping: line.grouping === "" ? group : line.grouping,
      remoteip: remote?.ips[0] ?? "",
      remotemx: remote?.hosts[0] ?? "",
      recipientdomain: line.domain,
    };
  }

  #remember(place: string, remote: Remote): void {
    this.#places.delete(place);
    this.#places.set(place, remote);
    const [oldest] = this.#places.keys();
    if (this.#places.size > MOST_PLACES && oldest !== undefined) this.#places.delete(oldest);
  }
}

function placeOf({ transportId, domain }: Pick<KnownLine, "transportId" | "domain">): string {
  return `${transportId} ${domain}`;
}
