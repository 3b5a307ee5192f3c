/** Policies and suspensions: what is in force on which engine, and changes that go to all of them. */
import { Changed, PolicyAdd, PolicyList, SuspensionAdd, SuspensionList } from "#contract/rules-api.ts";
import { policyFile, suspendFile } from "#contract/config.ts";
import { ConfigView } from "#contract/insight-api.ts";
import { ClusterPolicies, ClusterStaticRules, ClusterSuspensions, RuleResult } from "#web/shared/web-api.ts";

import type { Fleet } from "./fleet.ts";
import { failuresText, mergeRules } from "./merge.ts";
import { type Call, type Route, route } from "./route.ts";
import { staticRules } from "./static-rules.ts";

/** What a page can show. */
const SHOWN = 500;

export function ruleRoutes(fleet: Fleet): readonly Route[] {
  return [
    policies(fleet),
    suspensions(fleet),
    fromFiles(fleet),
    put(fleet, { kind: "policies", name: "policy.put", summary: "Put a policy in force on all engines" }),
    put(fleet, { kind: "suspensions", name: "suspension.put", summary: "Suspend on all engines" }),
    remove(fleet, { kind: "policies", name: "policy.delete", summary: "Take a policy back on all engines" }),
    remove(fleet, {
      kind: "suspensions",
      name: "suspension.delete",
      summary: "End a suspension on all engines",
    }),
  ];
}

function policies(fleet: Fleet): Route {
  return route({
    method: "GET",
    path: "/policies",
    name: "policy.list",
    summary: "Policies in force that do not stand in a file, with the engines that have them",
    role: "viewer",
    answer: ClusterPolicies,
    handle: async () => {
      const { answers, failures } = await fleet.ask({
        method: "GET",
        path: "/v1/policies",
        answer: PolicyList,
      });
      const lists = answers.map(({ engine, value }) => ({ engine, value: value.policies }));
      const merged = mergeRules(lists).map(({ rule, ...rest }) => ({ ...rest, policy: rule }));
      return { policies: merged, failures };
    },
  });
}

function suspensions(fleet: Fleet): Route {
  return route({
    method: "GET",
    path: "/suspensions",
    name: "suspension.list",
    summary: "Suspensions in force, with the engines that have them",
    role: "viewer",
    answer: ClusterSuspensions,
    handle: async () => {
      const call = { method: "GET", path: "/v1/suspensions", answer: SuspensionList } as const;
      const { answers, failures } = await fleet.ask(call);
      const lists = answers.map(({ engine, value }) => ({ engine, value: value.suspensions }));
      const merged = mergeRules(lists).map(({ rule, ...rest }) => ({ ...rest, suspension: rule }));
      return { suspensions: merged, failures };
    },
  });
}

function fromFiles(fleet: Fleet): Route {
  return route({
    method: "GET",
    path: "/static-rules",
    name: "rule.static",
    summary: "Policies and suspensions of the engines' files, with the engines that have them",
    role: "viewer",
    answer: ClusterStaticRules,
    handle: async () => {
      const { answers, failures } = await fleet.ask({
        method: "GET",
        path: "/v1/config",
        answer: ConfigView,
      });
      const byText = new Map<string, { engines: string[]; files: ConfigView["files"] }>();
      for (const { engine, value } of answers) {
        const key = `${value.files[policyFile]}\0${value.files[suspendFile]}`;
        const known = byText.get(key);
        if (known === undefined) byText.set(key, { engines: [engine], files: value.files });
        else known.engines.push(engine);
      }
      const groups = [...byText.values()].map(({ engines, files }) => {
        const rules = staticRules(files);
        return { engines, rules: rules.slice(0, SHOWN), further: Math.max(0, rules.length - SHOWN) };
      });
      return { groups: groups.filter(({ rules }) => rules.length > 0), failures };
    },
  });
}

interface RuleKind {
  readonly kind: "policies" | "suspensions";
  readonly name: string;
  readonly summary: string;
}

function put(fleet: Fleet, { kind, name, summary }: RuleKind): Route {
  return route<unknown, RuleResult>({
    method: "PUT",
    path: `/${kind}/:id`,
    name,
    summary,
    role: "operator",
    body: kind === "policies" ? PolicyAdd : SuspensionAdd,
    answer: RuleResult,
    detail: (body, { id }) => `${id} ${JSON.stringify(body)}`,
    result: ruleResult,
    // The body goes on as it came: its schema also translates, which each engine does for itself.
    handle: (call) => tell(fleet, { kind, call, method: "PUT", body: call.request.body ?? {} }),
  });
}

function remove(fleet: Fleet, { kind, name, summary }: RuleKind): Route {
  return route<unknown, RuleResult>({
    method: "DELETE",
    path: `/${kind}/:id`,
    name,
    summary,
    role: "operator",
    answer: RuleResult,
    detail: (_body, { id }) => id ?? "",
    result: ruleResult,
    handle: (call) => tell(fleet, { kind, call, method: "DELETE" }),
  });
}

async function tell(
  fleet: Fleet,
  order: {
    readonly kind: RuleKind["kind"];
    readonly call: Call<unknown>;
    readonly method: "PUT" | "DELETE";
    readonly body?: unknown;
  },
): Promise<RuleResult> {
  const { kind, call, method, body } = order;
  const path = `/v1/${kind}/${encodeURIComponent(call.params["id"] ?? "")}`;
  const { answers, failures } = await fleet.ask({ method, path, body, answer: Changed });
  return { changed: answers.map(({ engine }) => engine), failures };
}

function ruleResult({ changed, failures }: RuleResult): string {
  return `changed on ${changed.join(", ") || "none"}${failures.length === 0 ? "" : `; not on ${failuresText(failures)}`}`;
}
