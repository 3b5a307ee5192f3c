/** Whoever wants to know what became of attempts, and the class of each reply, told in one place. Never fails. */
import type { Clock } from "#base/clock.ts";
import type { BouncesConfig } from "#contract/bounces-config.ts";

import type { Events } from "../events/events.ts";
import type { Outcome } from "../queue/courier.ts";
import type { Entry } from "../queue/entry.ts";
import { OutcomeLog } from "../queue/outcome-log.ts";
import type { SuppressionList } from "../suppression/suppression-list.ts";
import { type Classify, makeClassifier } from "../queue/reply-class.ts";

export class OutcomeWatch {
  readonly log: OutcomeLog;
  readonly #events: Pick<Events, "note">;
  readonly #list: Pick<SuppressionList, "failed">;
  #classify: Classify = makeClassifier({ rules: [] });

  constructor(options: {
    readonly clock: Clock;
    readonly events: Pick<Events, "note">;
    /** Learns from failures. */
    readonly list: Pick<SuppressionList, "failed">;
  }) {
    this.#list = options.list;
    this.log = new OutcomeLog(options.clock);
    this.#events = options.events;
  }

  configure(config: BouncesConfig): void {
    this.#classify = makeClassifier(config);
  }

  readonly classify: Classify = (outcome, domain) => this.#classify(outcome, domain);

  readonly note = (entry: Entry, outcome: Outcome): void => {
    const name = outcome.kind === "delivered" ? "" : this.#classify(outcome, entry.destination.domain);
    this.log.note(entry, outcome, name);
    this.#events.note(entry, outcome, name);
    if (outcome.kind === "failed") this.#list.failed(entry.destination.tenantId, addressOf(entry), name);
  };
}

function addressOf({ message, recipient }: Entry): string {
  return message.envelope.recipients[recipient] ?? "";
}
