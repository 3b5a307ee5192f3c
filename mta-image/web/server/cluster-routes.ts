/** What the engines are and do: states, figures over time, deliveries, metrics. All of it only looks. */
import { Deliveries, Metrics } from "#contract/insight-api.ts";
import { WarmUpView } from "#contract/warm-up-api.ts";
import { ClusterDeliveries, ClusterMetrics, ClusterWarmUp, Overview, Series } from "#web/shared/web-api.ts";

import { type Fleet, statusCall } from "./fleet.ts";
import { mergeDeliveries, mergeWarmUp } from "./merge.ts";
import { type Route, route } from "./route.ts";
import type { Watch } from "./watch.ts";

export function clusterRoutes(fleet: Fleet, watch: Pick<Watch, "points">): readonly Route[] {
  return [overview(fleet), series(watch), deliveries(fleet), warmUp(fleet), metrics(fleet)];
}

function overview(fleet: Fleet): Route {
  return route({
    method: "GET",
    path: "/overview",
    name: "overview",
    summary: "Every engine with its state, and those that do not answer",
    role: "viewer",
    answer: Overview,
    handle: async () => {
      const { answers, failures } = await fleet.ask(statusCall);
      const engines = answers.map(({ engine, value }) => ({ name: engine, status: value }));
      engines.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
      return { engines, failures };
    },
  });
}

function series(watch: Pick<Watch, "points">): Route {
  return route({
    method: "GET",
    path: "/series",
    name: "series",
    summary: "Figures of the cluster over the last hour, as far as this server has been watching",
    role: "viewer",
    answer: Series,
    handle: async () => ({ points: [...watch.points()] }),
  });
}

function deliveries(fleet: Fleet): Route {
  return route({
    method: "GET",
    path: "/deliveries",
    name: "deliveries",
    summary: "Outcomes by destination and code, and the latest attempts",
    role: "viewer",
    answer: ClusterDeliveries,
    handle: async () =>
      mergeDeliveries(await fleet.ask({ method: "GET", path: "/v1/deliveries", answer: Deliveries })),
  });
}

function warmUp(fleet: Fleet): Route {
  return route({
    method: "GET",
    path: "/warm-up",
    name: "warm-up",
    summary:
      "What the plan of each source address that warms up allows, and what all engines have sent from it",
    role: "viewer",
    answer: ClusterWarmUp,
    handle: async () =>
      mergeWarmUp(await fleet.ask({ method: "GET", path: "/v1/warm-up", answer: WarmUpView })),
  });
}

function metrics(fleet: Fleet): Route {
  return route({
    method: "GET",
    path: "/metrics",
    name: "metrics",
    summary: "Every figure of every engine under its Prometheus name",
    role: "viewer",
    answer: ClusterMetrics,
    handle: async () => {
      const { answers, failures } = await fleet.ask({ method: "GET", path: "/v1/metrics", answer: Metrics });
      return {
        engines: answers.map(({ engine, value }) => ({ name: engine, metrics: value.metrics })),
        failures,
      };
    },
  });
}
