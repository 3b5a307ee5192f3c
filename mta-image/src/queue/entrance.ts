/**
 * How entries pass the doorkeeper: one that is due asks to be let into its line; one that was refused, here or at the
 * pick-up, is given back. Never fails.
 */
import type { Admission } from "./admission.ts";
import type { Courier, Outcome } from "./courier.ts";
import type { LineName } from "./destination-queue.ts";
import { attemptOf } from "./dispatcher.ts";
import type { Doorkeeper } from "./doorkeeper.ts";
import type { Entry } from "./entry.ts";
import type { Settlement } from "./settlement.ts";

export interface EntranceOptions {
  readonly doorkeeper: Doorkeeper;
  readonly courier: Courier;
  readonly admission: Pick<Admission, "factsOf">;
  readonly settlement: Pick<Settlement, "settle">;
  readonly sourcesFor: (transportId: string) => readonly string[];
  /** From now on the entry belongs to the line of this name. */
  readonly change: (entry: Entry, name: LineName) => void;
}

export class Entrance {
  readonly #options: EntranceOptions;

  constructor(options: EntranceOptions) {
    this.#options = options;
  }

  /** Asks the doorkeeper; one who narrows the source addresses sends the entry to a line of their own. */
  letIn(entry: Entry): boolean {
    const { doorkeeper, sourcesFor, admission, change } = this.#options;
    if (!doorkeeper.isAsked("insert")) return true;
    const { message, recipient, destination } = entry;
    const { transportId, domain, jobId, tenantId, grouping } = destination;
    const localIps = sourcesFor(transportId);
    const facts = admission.factsOf(destination, "");
    const answer = doorkeeper.ask("insert", { message, recipient, facts, localIps });
    if (answer.kind === "refused") {
      void this.giveBack(entry, answer.by, answer.value);
      return false;
    }
    const isNarrower = answer.localIps.length < localIps.length;
    const own = isNarrower ? answer.localIps : null;
    change(entry, { transportId, domain, jobId, tenantId, grouping, localIps: own });
    return true;
  }

  /** It was refused at a door: the courier may know what to do, else the schedule says when it may knock again. */
  async giveBack(entry: Entry, by: string, value: unknown): Promise<void> {
    const { courier, settlement } = this.#options;
    entry.phase = "running";
    const reply = `450 4.7.0 Plugin ${by} gave it back`;
    const usual: Outcome = { kind: "deferred", reply, status: "4.7.0", remoteMta: "" };
    const answer = (await courier.refused?.(attemptOf(entry.destination, [entry]), value)) ?? usual;
    await settlement.settle([entry], [answer]);
  }
}
