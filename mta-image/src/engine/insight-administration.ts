/** What the web administration may ask of the engine, over its rooms. Thin: nothing is decided here. */
import type { Registry } from "prom-client";

import type { Clock } from "#base/clock.ts";
import { Failure } from "#base/error.ts";
import { appFile, policyFile, startupFile, suspendFile } from "#contract/config.ts";
import type {
  ConfigView,
  Deliveries,
  GroupQuery,
  MessageView,
  Metrics,
  OrderResult,
  QueueGroups,
  QueueOrder,
  QueueSearch,
  SearchPage,
} from "#contract/insight-api.ts";
import type { WarmUpView } from "#contract/warm-up-api.ts";

import type { InsightDoor } from "../admin/insight-routes.ts";
import type { LiveConfig } from "../config/live-config.ts";
import { headerFields } from "../message/header-fields.ts";
import type { Entry } from "../queue/entry.ts";
import { groupEntries, matcherOf } from "../queue/filter.ts";
import type { OutcomeLog } from "../queue/outcome-log.ts";
import { describeEntry, searchQueue } from "../queue/query.ts";
import type { Queue } from "../queue/queue.ts";
import type { Content, Spool } from "../spool/spool.ts";

export interface Watched {
  readonly queue: Queue;
  readonly outcomes: OutcomeLog;
  readonly spool: Pick<Spool, "read">;
  readonly clock: Clock;
  readonly config: LiveConfig;
  readonly hasTransport: (id: string) => boolean;
  /** Null before the engine counts. */
  readonly metrics: () => Registry | null;
  readonly warmUp: () => WarmUpView;
}

/** What a page can show; more is in metrics and logs. */
const SHOWN = { attempts: 500, domains: 500 } as const;
const MAX_HEADER_BYTES = 65_536;
const MAX_RECIPIENTS = 1000;

export class InsightAdministration implements InsightDoor {
  readonly #engine: Watched;

  constructor(engine: Watched) {
    this.#engine = engine;
  }

  search(query: QueueSearch): SearchPage {
    return searchQueue(this.#engine.queue, query, this.#engine.clock.now());
  }

  groups(query: GroupQuery): QueueGroups {
    return groupEntries(this.#engine.queue.entries(), query, this.#engine.clock.now());
  }

  /** Throws a Failure `transport-unknown`. */
  order({ action, filter, to = {}, dryRun }: QueueOrder): OrderResult {
    const { queue, clock, hasTransport } = this.#engine;
    if (to.transportId !== undefined && !hasTransport(to.transportId))
      throw new Failure("transport-unknown", `there is no transport "${to.transportId}"`);
    const isMeant = matcherOf(filter, clock.now());
    const meant = [...queue.entries()].filter(isMeant);
    if (dryRun) return { matched: meant.length, changed: 0 };
    const acts: Readonly<Record<QueueOrder["action"], (entry: Entry) => boolean>> = {
      retry: (entry) => queue.retryNow(entry),
      hold: (entry) => queue.hold(entry),
      release: (entry) => queue.release(entry),
      bounce: (entry) => queue.bounce(entry),
      delete: (entry) => queue.drop(entry),
      move: (entry) => queue.move(entry, to),
    };
    const changed = meant.filter(acts[action]).length;
    queue.pump();
    return { matched: meant.length, changed };
  }

  async message(id: string): Promise<MessageView | null> {
    const entries = this.#engine.queue.find(id);
    const [first] = entries;
    if (first === undefined) return null;
    const { message } = first;
    const { kind, serverId, remoteIp, helo, protocol, tls, sessionId } = message.origin;
    return {
      id,
      receivedAt: new Date(message.receivedAt).toISOString(),
      sender: message.envelope.sender,
      sizeBytes: message.sizeBytes,
      origin: { kind, serverId, remoteIp, helo, protocol, tls, sessionId },
      jobId: message.envelope.jobId ?? "",
      tenantId: message.envelope.tenantId ?? "",
      headers: await this.#headers(id),
      entries: entries.slice(0, MAX_RECIPIENTS).map(describeEntry),
      attempts: [...this.#engine.outcomes.ofMessage(id)],
    };
  }

  deliveries(): Deliveries {
    return this.#engine.outcomes.deliveries(SHOWN);
  }

  warmUp(): WarmUpView {
    return this.#engine.warmUp();
  }

  config(): ConfigView {
    const { startup, app, policy, suspend, revision } = this.#engine.config.texts;
    const files = { [startupFile]: startup, [appFile]: app, [policyFile]: policy, [suspendFile]: suspend };
    return { revision, files };
  }

  async metrics(): Promise<Metrics> {
    const all = (await this.#engine.metrics()?.getMetricsAsJSON()) ?? [];
    const metrics = all.map(({ name, help, values }) => ({
      name,
      help,
      values: values.map(({ labels, value }) => ({
        labels: labels as Record<string, string | number>,
        value: Number.isFinite(value) ? value : null,
      })),
    }));
    return { metrics };
  }

  /** A message that was settled meanwhile, or whose record is damaged, has none. */
  async #headers(id: string): Promise<MessageView["headers"]> {
    const content = await this.#engine.spool.read(id).catch(() => null);
    return content === null ? null : headerFields(await startOf(content));
  }
}

async function startOf(content: Content): Promise<Buffer> {
  if (content.kind === "memory") return content.bytes.subarray(0, MAX_HEADER_BYTES);
  for await (const chunk of content.chunks()) return chunk;
  return Buffer.alloc(0);
}
