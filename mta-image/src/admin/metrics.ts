/**
 * Every figure of the engine under its Prometheus name. Rooms keep plain counters; they are read when somebody
 * scrapes, so counting costs nothing on the mail path. Labels are closed lists.
 */
import { Counter, Gauge, Histogram, Registry } from "prom-client";

import { addProcessFigures } from "#base/process-figures.ts";

import type { AuthenticationCounters } from "../authentication/counters.ts";
import type { PluginState } from "#contract/plugins-api.ts";

import type { DeliveryCounters } from "../delivery/pool.ts";
import type { EventFigures } from "../events/events.ts";
import type { HookFigures } from "../hooks/figures.ts";
import type { Reactions } from "../queue/reactions.ts";
import type { Quota } from "../queue/quotas.ts";
import type { QueueFigures } from "../queue/queue.ts";
import type { OutcomeCounters } from "../queue/settlement.ts";
import type { SessionCounters } from "../session/counters.ts";
import type { SpamhausCounters } from "../spamhaus/counters.ts";
import type { SpoolFigures } from "../spool/spool.ts";
import type { GiverFigures } from "../transfer/giver.ts";
import { addEventMetrics } from "./event-metrics.ts";
import { addQuotaMetrics } from "./quota-metrics.ts";
import { addReactionMetrics } from "./reaction-metrics.ts";
import { addPluginMetrics } from "./plugin-metrics.ts";
import { addHealthMetrics } from "./health-metrics.ts";
import { ScriptSeconds } from "./script-seconds.ts";

export interface MetricSources {
  readonly session: SessionCounters;
  readonly sessions: () => number;
  readonly outcomes: OutcomeCounters;
  /** By "class outcome". */
  readonly bounces: ReadonlyMap<string, number>;
  readonly running: () => number;
  readonly queue: () => QueueFigures;
  readonly quotas: () => readonly Quota[];
  readonly reactions: Pick<Reactions, "active" | "counters" | "ids">;
  readonly spool: () => SpoolFigures;
  readonly isReady: () => boolean;
  readonly delivery: DeliveryCounters;
  readonly connections: () => number;
  readonly spamhaus: SpamhausCounters;
  readonly hooks: HookFigures;
  readonly authentication: AuthenticationCounters;
  readonly events: () => readonly EventFigures[];
  readonly plugins: () => readonly PluginState[];
  readonly handover: () => GiverFigures;
  /** Servers, and when their certificate ends, wall-clock ms. */
  readonly certificates: () => readonly (readonly [server: string, end: number])[];
  readonly spoolFloorBytes: number;
}

export function makeMetrics(sources: MetricSources): Registry {
  const registry = new Registry();
  addProcessFigures(registry, "mta_");
  addSessionMetrics(registry, sources);
  addQueueMetrics(registry, sources);
  addBounceMetrics(registry, sources.bounces);
  addQuotaMetrics(registry, sources.quotas);
  addReactionMetrics(registry, sources.reactions);
  addSpoolMetrics(registry, sources);
  addDeliveryMetrics(registry, sources);
  addSpamhausMetrics(registry, sources.spamhaus);
  addHookMetrics(registry, sources.hooks);
  addAuthenticationMetrics(registry, sources.authentication);
  addPluginMetrics(registry, sources.plugins);
  addEventMetrics(registry, sources.events);
  addHealthMetrics(registry, sources);
  addHandoverMetrics(registry, sources.handover);
  gauge(registry, "mta_ready", "1 while new mail is welcome.", () => (sources.isReady() ? 1 : 0));
  return registry;
}

function addHandoverMetrics(registry: Registry, figures: MetricSources["handover"]): void {
  const given = "Messages that peers took over.";
  counter(registry, "mta_handover_messages_given_total", given, () => figures().given);
  const spread = "Recipients that went to peers with less to do, while this engine went on serving.";
  counter(registry, "mta_handover_recipients_spread_total", spread, () => figures().spread);
}

function addSessionMetrics(registry: Registry, { session, sessions }: MetricSources): void {
  gauge(registry, "mta_session_open", "Inbound connections open now.", sessions);
  counter(registry, "mta_session_connections_total", "Connections that came in.", () => session.connections);
  counter(
    registry,
    "mta_session_connections_refused_total",
    "Connections turned away with 421.",
    () => session.refusedConnections,
  );
  counter(
    registry,
    "mta_session_messages_accepted_total",
    "Messages that got 250, durably stored.",
    () => session.acceptedMessages,
  );
  counter(
    registry,
    "mta_session_message_bytes_accepted_total",
    "Bytes of accepted messages.",
    () => session.acceptedBytes,
  );
  counter(
    registry,
    "mta_session_messages_refused_total",
    "Messages refused after their data.",
    () => session.refusedMessages,
  );
  counter(
    registry,
    "mta_session_recipients_accepted_total",
    "Recipients of accepted messages.",
    () => session.acceptedRecipients,
  );
  counter(
    registry,
    "mta_session_recipients_refused_total",
    "Recipients refused at RCPT.",
    () => session.refusedRecipients,
  );
  counter(
    registry,
    "mta_session_commands_refused_total",
    "Commands answered with 4xx or 5xx.",
    () => session.refusedCommands,
  );
  counter(registry, "mta_session_timeouts_total", "Sessions ended for slowness.", () => session.timeouts);
  counter(
    registry,
    "mta_session_tls_failures_total",
    "TLS handshakes that failed.",
    () => session.tlsFailures,
  );
}

function addQueueMetrics(registry: Registry, sources: MetricSources): void {
  const { outcomes } = sources;
  new Gauge({
    name: "mta_queue_recipients",
    help: "Recipients in the queue.",
    labelNames: ["state"],
    registers: [registry],
    collect() {
      const { active, deferred, hold } = sources.queue();
      for (const [state, value] of Object.entries({ active, deferred, hold })) this.set({ state }, value);
    },
  });
  gauge(
    registry,
    "mta_queue_blocked_recipients",
    "Recipients that are due and held back by a suspension or a policy.",
    () => sources.queue().blocked,
  );
  gauge(
    registry,
    "mta_queue_oldest_due_seconds",
    "Age of the entry that has been due for longest.",
    () => sources.queue().oldestDueSeconds,
  );
  gauge(registry, "mta_delivery_running", "Delivery attempts under way.", sources.running);
  new Counter({
    name: "mta_delivery_outcomes_total",
    help: "Outcomes of delivery attempts, one per recipient.",
    labelNames: ["outcome"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [outcome, value] of Object.entries(outcomes)) this.inc({ outcome }, value);
    },
  });
}

function addBounceMetrics(registry: Registry, bounces: ReadonlyMap<string, number>): void {
  new Counter({
    name: "mta_delivery_bounces_total",
    help: "Outcomes that were no delivery, by the class of the reply.",
    labelNames: ["class", "outcome"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [key, value] of bounces) {
        const [name = "", outcome = ""] = key.split(" ");
        this.inc({ class: name, outcome }, value);
      }
    },
  });
}

function addAuthenticationMetrics(registry: Registry, figures: AuthenticationCounters): void {
  new Counter({
    name: "mta_authentication_results_total",
    help: "Verified messages by method and result; for DKIM the best signature of each.",
    labelNames: ["method", "result"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [key, value] of figures.results) {
        const [method = "", result = ""] = key.split(" ");
        this.inc({ method, result }, value);
      }
    },
  });
  const add = (name: string, help: string, read: () => number): void =>
    counter(registry, `mta_authentication_${name}_total`, help, read);
  add("refused", "Messages refused for DMARC.", () => figures.refused);
  add("signed", "Messages that got a DKIM signature.", () => figures.signed);
  add("unsigned", "Messages that should have got one and could not.", () => figures.unsigned);
  add("sealed", "Messages that got an ARC seal.", () => figures.sealed);
}

function addDeliveryMetrics(registry: Registry, { delivery, connections }: MetricSources): void {
  gauge(registry, "mta_delivery_connections", "Outbound connections open or being opened.", connections);
  counter(
    registry,
    "mta_delivery_connections_opened_total",
    "Outbound connections that said hello.",
    () => delivery.connectionsOpened,
  );
  counter(
    registry,
    "mta_delivery_connections_failed_total",
    "Destinations that no connection could be opened to.",
    () => delivery.connectionsFailed,
  );
  counter(
    registry,
    "mta_delivery_tls_fallbacks_total",
    "Handshakes that failed, after which mail went in the clear.",
    () => delivery.tlsFallbacks,
  );
}

function addSpamhausMetrics(registry: Registry, spamhaus: SpamhausCounters): void {
  const labelled = (
    name: string,
    help: string,
    label: string,
    read: () => Iterable<[string, number]>,
  ): void =>
    void new Counter({
      name,
      help,
      labelNames: [label],
      registers: [registry],
      collect() {
        this.reset();
        for (const [value, count] of read()) this.inc({ [label]: value }, count);
      },
    });
  const { queries, errors, rulings, hits } = spamhaus;
  labelled("mta_spamhaus_queries_total", "Questions that went to a resolver.", "list", () =>
    Object.entries(queries),
  );
  labelled("mta_spamhaus_errors_total", "Lookups that told nothing; never a listing.", "reason", () =>
    Object.entries(errors),
  );
  labelled("mta_spamhaus_rulings_total", "What checks came to.", "action", () => Object.entries(rulings));
  new Counter({
    name: "mta_spamhaus_hits_total",
    help: "Listings that were found, by list and return code.",
    labelNames: ["list", "code"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [key, count] of hits) {
        const [list = "", code = ""] = key.split(" ");
        this.inc({ list, code }, count);
      }
    },
  });
  counter(registry, "mta_spamhaus_cache_hits_total", "Answers from the cache.", () => spamhaus.cacheHits);
  new Gauge({
    name: "mta_spamhaus_trouble",
    help: "1 for the reason that keeps lookups from telling anything, if there is one.",
    labelNames: ["reason"],
    registers: [registry],
    collect() {
      const trouble = spamhaus.trouble();
      for (const reason of Object.keys(errors)) this.set({ reason }, reason === trouble ? 1 : 0);
    },
  });
  gauge(registry, "mta_spamhaus_cache_entries", "Answers kept.", () => spamhaus.cacheSize);
  const latency = new Histogram({
    name: "mta_spamhaus_query_seconds",
    help: "How long an answer took.",
    buckets: [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5],
    registers: [registry],
  });
  spamhaus.observe = (seconds) => latency.observe(seconds);
}

function addHookMetrics(registry: Registry, hooks: HookFigures): void {
  const byHook = (name: string, help: string, counts: Readonly<Record<string, number>>): void =>
    void new Counter({
      name,
      help,
      labelNames: ["hook"],
      registers: [registry],
      collect() {
        this.reset();
        for (const [hook, count] of Object.entries(counts)) this.inc({ hook }, count);
      },
    });
  byHook("mta_script_runs_total", "Scripts of hooks that were run.", hooks.runs);
  byHook("mta_script_errors_total", "Scripts of hooks that failed.", hooks.errors);
  const took = new ScriptSeconds(registry);
  hooks.observe = (hook, seconds) => took.observe(hook, seconds);
}

function addSpoolMetrics(registry: Registry, { spool }: MetricSources): void {
  gauge(registry, "mta_spool_messages", "Messages in the spool.", () => spool().messages);
  gauge(registry, "mta_spool_live_bytes", "Bytes of live records.", () => spool().bytesOnDisk);
  gauge(registry, "mta_spool_segments", "Segment files.", () => spool().segments);
  // NaN, not zero, while the figure is unknown.
  gauge(
    registry,
    "mta_spool_free_bytes",
    "Free bytes of the spool's file system.",
    () => spool().bytesFree ?? Number.NaN,
  );
  gauge(registry, "mta_spool_closed", "1 when the spool takes no mail.", () =>
    spool().closedBecause === null ? 0 : 1,
  );
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}

function counter(registry: Registry, name: string, help: string, read: () => number): void {
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(read());
    },
  });
}
