/** Figures of native plugins, each with the plugin's id as label: as many series as there are plugins. */
import { Counter, Gauge, type Registry } from "prom-client";

import type { PluginState } from "#contract/plugins-api.ts";

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly read: (plugin: PluginState) => number;
}

const counters: readonly Metric[] = [
  {
    name: "mta_plugin_calls_total",
    help: "Calls of functions of the plugin by scripts.",
    read: ({ figures }) => figures?.calls ?? 0,
  },
  {
    name: "mta_plugin_misuses_total",
    help: "What the plugin did against the rules of the interface; the log says what.",
    read: ({ figures }) => figures?.misuses ?? 0,
  },
  {
    name: "mta_plugin_blocked_calls_total",
    help: "Calls that held the event loop for a second or more.",
    read: ({ figures }) => figures?.blockedCalls ?? 0,
  },
  {
    name: "mta_plugin_blocked_milliseconds_total",
    help: "How long these calls held it.",
    read: ({ figures }) => figures?.blockedMs ?? 0,
  },
  {
    name: "mta_plugin_crashes_total",
    help: "How often the plugin has brought this spool's engine down, over restarts.",
    read: ({ crashes }) => crashes ?? 0,
  },
];
const gauges: readonly Metric[] = [
  { name: "mta_plugin_loaded", help: "1 for each plugin that is loaded.", read: () => 1 },
  {
    name: "mta_plugin_suspended_calls",
    help: "Calls that wait for the plugin now.",
    read: ({ figures }) => figures?.suspended ?? 0,
  },
];

export function addPluginMetrics(registry: Registry, plugins: () => readonly PluginState[]): void {
  const common = { labelNames: ["plugin"], registers: [registry] };
  for (const { name, help, read } of counters) {
    new Counter({
      ...common,
      name,
      help,
      collect() {
        this.reset();
        for (const plugin of plugins()) this.inc({ plugin: plugin.id }, read(plugin));
      },
    });
  }
  for (const { name, help, read } of gauges) {
    new Gauge({
      ...common,
      name,
      help,
      collect() {
        for (const plugin of plugins()) this.set({ plugin: plugin.id }, read(plugin));
      },
    });
  }
}
