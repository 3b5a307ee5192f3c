/** What the operator wrote, from the audit log of the API server: each request with the time at which the server got it. */
import { readFileSync } from "node:fs";

interface Event {
  readonly verb: string;
  readonly userAgent: string;
  readonly requestReceivedTimestamp: string;
  readonly objectRef?: { readonly resource: string; readonly namespace: string; readonly name: string };
}

const AGENT = "mailfleet-operator";

export class Audit {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Since a time in milliseconds since the epoch. */
  writes(since: number): readonly Event[] {
    return readFileSync(this.#path, "utf8")
      .split("\n")
      .filter((line) => line.includes(AGENT) && !line.includes('"leases"'))
      .map((line) => JSON.parse(line) as Event)
      .filter((event) => event.userAgent === AGENT && Date.parse(event.requestReceivedTimestamp) >= since);
  }

  /** When each Service ("namespace/name") was written since `since`, in order. */
  serviceWrites(since: number): ReadonlyMap<string, readonly number[]> {
    const found = new Map<string, number[]>();
    for (const { objectRef: ref, requestReceivedTimestamp } of this.writes(since)) {
      if (ref?.resource !== "services") continue;
      const name = `${ref.namespace}/${ref.name}`;
      found.set(name, [...(found.get(name) ?? []), Date.parse(requestReceivedTimestamp)]);
    }
    return found;
  }
}
