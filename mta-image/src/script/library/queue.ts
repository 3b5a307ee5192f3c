/** Orders about the queue: suspensions and policies with a time to live, counts of connections, and figures of scripts' own. */
import { toText, truthy } from "../convert.ts";
import { Refusal } from "../error.ts";
import { type HostFunction, declare, optional, parameter } from "../host.ts";
import { type QueueFields, type QueueLimits, port, queueFields } from "../ports.ts";
import { rateKey } from "../rates.ts";
import { HslArray, type Value } from "../value.ts";
import { flag, option, record } from "./subjects.ts";
import { uuidv5 } from "./system.ts";

/** Random, and ours alone. */
const ORDERS_NAMESPACE = "5f1c2a0e-6d1b-4a7e-9d55-0a7c2f1f8b3d";

/** Of what hits are counted under: many are kept. */
const LONGEST_RATE = 65_536;

const { string, number, array } = parameter;
const options = optional(array("options"));

export const queueFunctions: readonly HostFunction[] = [
  declare({
    name: "queue_suspend",
    parameters: [array("fields"), number("ttl"), options],
    returns: "array or none",
    docs: "Stops the pick-up of mail that has all these fields (transportid, localip, remoteip, remotemx, recipientdomain, jobid, grouping, tenantid) for so many seconds; gives its id. An order for the same fields, or of the same id, takes the place of the one before. Options: `id`, `tag`, `properties`, `update` (true; false leaves one that is there as it is).",
    run: (context, fields, seconds, how) => {
      const match = matchOf(fields);
      const id = textOr(option(how, "id"), null) ?? idOf("suspend", match);
      const order = {
        id,
        match,
        isNew: !flag(how, "update", true),
        tag: textOr(option(how, "tag"), null),
        properties: textsOf(option(how, "properties")),
        ttlSeconds: ttlOf(seconds),
      };
      return port(context, "queue").suspend(order) ? record({ id }) : null;
    },
  }),
  declare({
    name: "queue_policy",
    parameters: [array("fields"), array("condition"), array("policy"), number("ttl"), options],
    returns: "array or none",
    docs: "Bounds mail that meets the condition, counted for each combination of the fields, for so many seconds; gives its id. Policy: `concurrency`, `rate` ([messages, seconds]), `connectinterval`, `stop`, `cluster`, `tag`, `properties`. An order with the same fields and condition, or of the same id, takes the place of the one before. Options: `id`, `type` (dynamic, backoff, warmup), `update` (true; false leaves one that is there as it is).",
    run: (context, fields, condition, policy, seconds, how) => {
      const names = fields.values().map((name) => fieldOf(toText(name)));
      const match = matchOf(condition);
      const id = textOr(option(how, "id"), null) ?? idOf("policy", match, names);
      const type = textOr(option(how, "type"), "dynamic");
      if (type !== "dynamic" && type !== "backoff" && type !== "warmup")
        throw new Refusal(`there is no policy of type ${type}`);
      const order = {
        id,
        type: type as "dynamic" | "backoff" | "warmup",
        fields: names,
        match,
        isNew: !flag(how, "update", true),
        limits: limitsOf(policy),
        ttlSeconds: ttlOf(seconds),
      };
      return port(context, "queue").addPolicy(order) ? record({ id }) : null;
    },
  }),
  declare({
    name: "queue_policy_delete",
    parameters: [string("id")],
    returns: "boolean or none",
    docs: "Takes back a policy; false when there is none of the id.",
    run: (context, id) => port(context, "queue").deletePolicy(id),
  }),
  declare({
    name: "queue_quota",
    parameters: [string("name")],
    returns: "array",
    docs: "How much is queued under a name of the option `quotas` of queue(): count (recipients) and bytes, 0 where nothing is; or under a quota of the configuration: count alone.",
    run: (context, name) => {
      const { count, bytes } = port(context, "queue").quota(name);
      return record({ count, ...(bytes === null ? {} : { bytes }) });
    },
  }),
  declare({
    name: "server_concurrency",
    parameters: [string("serverid"), optional(string("address"))],
    returns: "number or none",
    docs: "Connections that a server has now, or has from one address; none for a server that is not there.",
    run: (context, server, address) => port(context, "queue").connections(server, address ?? null),
  }),
  declare({
    name: "rate",
    parameters: [string("namespace"), string("entry"), number("count"), number("interval"), options],
    returns: "boolean or number",
    docs: "Counts a hit of the entry unless there were so many within the last seconds; says whether there were not. A count of 0 asks how many there were. Option `check`: false only looks. Option `cluster` (true; older: `sync`): the limit is that of the cluster, of which each engine has its share; false for that of this engine.",
    run: (context, namespace, entry, limit, seconds, how) => {
      if (!(seconds > 0)) throw new Refusal("the interval of a rate is more than 0 seconds");
      if (namespace.length + entry.length > LONGEST_RATE)
        throw new Refusal(`namespace and entry of a rate have at most ${LONGEST_RATE} bytes together`);
      const key = rateKey(namespace, entry, seconds);
      const { rates } = context.shared;
      if (limit === 0) return rates.count(key, seconds);
      const isShared = flag(how, "cluster", flag(how, "sync", true));
      const share = isShared ? (context.ports?.queue?.share() ?? 1) : 1;
      return rates.take(key, seconds, Math.max(1, limit * share), !flag(how, "check", true));
    },
  }),
  declare({
    name: "stat",
    parameters: [string("name"), array("legends")],
    returns: "none",
    docs: "The older form of metrics_increment: adds the value of each legend to the figure of the name, which has it as label `legend`.",
    run: (context, name, legends) => {
      const figures = port(context, "metrics");
      const figure = checkedName(name.replaceAll(/[^a-zA-Z0-9_:]/g, "_"));
      for (const [legend, value] of legends.entries())
        figures.change(figure, { legend: String(legend) }, "increment", Number(value ?? 0) || 0);
      return null;
    },
  }),
  ...(["increment", "decrement", "set"] as const).map((what) =>
    declare({
      name: `metrics_${what}`,
      parameters: [
        string("name"),
        array("labels"),
        what === "set" ? number("value") : optional(number("value")),
      ],
      returns: "boolean or none",
      docs:
        what === "set"
          ? "Sets a figure of the script's own, which /metrics shows."
          : `${what === "increment" ? "Adds" : "Takes off"} a value, 1 unless given, of a figure of the script's own, which /metrics shows.`,
      run: (context, name, labels, value) =>
        port(context, "metrics").change(checkedName(name), textsOf(labels), what, value ?? 1),
    }),
  ),
  declare({
    name: "metrics_get",
    parameters: [string("name"), array("labels")],
    returns: "array or none",
    docs: "The figure as value; none when there is none.",
    run: (context, name, labels) => {
      const value = port(context, "metrics").get(checkedName(name), textsOf(labels));
      return value === null ? null : record({ value });
    },
  }),
];

/** The same for the same order, in whatever order its fields are written. */
function idOf(kind: string, match: QueueFields, fields: readonly string[] = []): string {
  const conditions = Object.entries(match).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return uuidv5(ORDERS_NAMESPACE, JSON.stringify([kind, conditions, fields.toSorted()]));
}

function textOr<T>(value: Value, otherwise: T): string | T {
  return value === null ? otherwise : toText(value);
}

function fieldOf(name: string): keyof QueueFields {
  const known = queueFields.find((field) => field === name);
  if (known === undefined) throw new Refusal(`the queue has no field ${name}`);
  return known;
}

function matchOf(fields: HslArray): QueueFields {
  return Object.fromEntries(
    [...fields.entries()].map(([name, value]) => [fieldOf(String(name)), toText(value)]),
  );
}

function textsOf(value: Value): Record<string, string> {
  if (!(value instanceof HslArray)) return {};
  return Object.fromEntries([...value.entries()].map(([name, item]) => [String(name), toText(item)]));
}

function ttlOf(seconds: number): number {
  if (!(seconds > 0)) throw new Refusal("the time to live is more than 0 seconds");
  return seconds;
}

function limitsOf(policy: HslArray): QueueLimits {
  const positive = (name: string): number | null => {
    const value = policy.get(name);
    if (value === null) return null;
    if (!(Number(value) > 0)) throw new Refusal(`${name} of a policy is a number above 0`);
    return Number(value);
  };
  return {
    concurrency: positive("concurrency"),
    rate: rateOf(policy.get("rate")),
    connectIntervalSeconds: positive("connectinterval"),
    tag: textOr(policy.get("tag"), null),
    properties: textsOf(policy.get("properties")),
    stop: truthy(policy.get("stop")),
    cluster: truthy(policy.get("cluster")),
  };
}

/** A list of messages and seconds, or the text "messages/seconds". */
function rateOf(value: Value): QueueLimits["rate"] {
  if (value === null) return null;
  const parts = value instanceof HslArray ? value.values() : toText(value).split("/");
  const [tokens, seconds] = [Number(parts[0]), Number(parts[1] ?? 1)];
  if (!(tokens > 0 && seconds > 0)) throw new Refusal("rate of a policy is [messages, seconds]");
  return { tokens, seconds };
}

function checkedName(name: string): string {
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]{0,99}$/.test(name)) throw new Refusal(`${name} is no name of a figure`);
  return name;
}
