/** The queue of the cluster: search, groups, one message, and orders with what each engine made of them. */
import { OrderResult, QueueGroups, SearchPage, MessageView } from "#contract/insight-api.ts";
import { Explanations } from "#contract/rules-api.ts";
import {
  ClusterGroupQuery,
  ClusterGroups,
  ClusterMessage,
  ClusterOrder,
  ClusterOrderResult,
  ClusterPage,
  ClusterSearch,
} from "#web/shared/web-api.ts";

import type { Fleet } from "./fleet.ts";
import { failuresText, mergeGroups, mergePages, shareOfPage, sum } from "./merge.ts";
import { Refusal, type Route, route } from "./route.ts";

export function queueRoutes(fleet: Fleet): readonly Route[] {
  return [search(fleet), groups(fleet), message(fleet), change(fleet)];
}

function search(fleet: Fleet): Route {
  return route({
    method: "POST",
    path: "/queue/search",
    name: "queue.search",
    summary: "Recipients in the queues of all engines, by any fact, page by page",
    role: "viewer",
    isAction: false,
    body: ClusterSearch,
    answer: ClusterPage,
    handle: async ({ body }) => {
      const limit = shareOfPage(body.limit, await fleet.size());
      const call = {
        method: "POST",
        path: "/v1/queue/search",
        body: { ...body, limit },
        answer: SearchPage,
      } as const;
      const answer = await fleet.ask(call);
      return mergePages(answer, body.limit);
    },
  });
}

function groups(fleet: Fleet): Route {
  return route({
    method: "POST",
    path: "/queue/groups",
    name: "queue.groups",
    summary: "How the recipients that a filter means fall into groups",
    role: "viewer",
    isAction: false,
    body: ClusterGroupQuery,
    answer: ClusterGroups,
    handle: async ({ body }) => {
      // Every engine tells more than is shown, so that what is large in the sum is not missed.
      const wide = { ...body, limit: 1000 };
      const answer = await fleet.ask({
        method: "POST",
        path: "/v1/queue/groups",
        body: wide,
        answer: QueueGroups,
      });
      return mergeGroups(answer, body.limit);
    },
  });
}

function message(fleet: Fleet): Route {
  return route({
    method: "GET",
    path: "/engines/:engine/messages/:id",
    name: "queue.message",
    summary: "One message: header, recipients, attempts and why each recipient waits",
    role: "viewer",
    answer: ClusterMessage,
    handle: async ({ params: { engine = "", id = "" } }) => {
      const path = encodeURIComponent(id);
      const [view, why] = await Promise.all([
        fleet.askOne(engine, { method: "GET", path: `/v1/messages/${path}`, answer: MessageView }),
        fleet.askOne(engine, { method: "GET", path: `/v1/queue/${path}/explain`, answer: Explanations }),
      ]);
      if (view === null) throw new Refusal(404, "not-found", "there is no engine of this name");
      if (!view.ok) throw new Refusal(view.kind === "refused" ? view.status : 502, "engine", view.reason);
      return { engine, message: view.value, explanations: why?.ok === true ? why.value : { entries: [] } };
    },
  });
}

function change(fleet: Fleet): Route {
  return route({
    method: "POST",
    path: "/queue/change",
    name: "queue.change",
    summary:
      "Retry, hold, release, move, bounce or delete whatever a filter means; with dryRun only count it",
    role: "operator",
    body: ClusterOrder,
    answer: ClusterOrderResult,
    detail: ({ action, filter, to, dryRun }) =>
      `${dryRun ? "count for " : ""}${action} ${JSON.stringify(filter)}${to === undefined ? "" : ` to ${JSON.stringify(to)}`}`,
    result: ({ matched, changed, failures }) =>
      `matched ${matched}, changed ${changed} ${failuresText(failures)}`,
    handle: async ({ body }) => {
      const { answers, failures } = await fleet.ask({
        method: "POST",
        path: "/v1/queue/change",
        body,
        answer: OrderResult,
      });
      return {
        matched: sum(answers, ({ value }) => value.matched),
        changed: sum(answers, ({ value }) => value.changed),
        engines: answers.map(({ engine, value }) => ({ engine, ...value })),
        failures,
      };
    },
  });
}
