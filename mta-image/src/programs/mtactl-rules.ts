/**
 * The commands of mtactl about scheduling: words of the command line to a call of the admin API, and its answer to
 * lines for people (pure). Conditions are written field=value, settings key=value.
 */
import { queueFields } from "#contract/queue-fields.ts";
import {
  Changed,
  Explanations,
  PolicyList,
  QuotaList,
  ReactionList,
  Shares,
  SuspensionList,
} from "#contract/rules-api.ts";

import { showItem } from "./mtactl-trace.ts";

export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  readonly show: (answer: unknown) => string;
  /** Whether the answer is a no, which mtactl's exit code tells. */
  readonly refused?: (answer: unknown) => boolean;
}

export const rulesUsage = `  mtactl queue explain ID                          why it waits
  mtactl policy list
  mtactl policy add ID [FIELD=VALUE ...] [fields=F,F] [concurrency=N] [rate=N/SECONDS] [connectinterval=S]
                       [algorithm=A] [ttl=S] [tag=T] [stop=true] [cluster=true]
  mtactl suspension list
  mtactl suspension add ID [FIELD=VALUE ...] [ttl=S] [tag=T]
  mtactl quota list
  mtactl quota add ID recipients=N [FIELD=VALUE ...] [fields=F,F] [ttl=S]
  mtactl policy|suspension|quota delete ID
  mtactl reaction list                             what replies have changed for a time
  mtactl reaction set ID FIELD=VALUE ... [ttl=S]   as though the replies had come
  mtactl reaction clear ID
  mtactl shares [N OF]                             this engine's part of its cluster's limits
`;

/** Null for what is no such command. */
export function ruleCall([first, second, third, ...words]: readonly string[]): Call | null {
  if (first === "queue" && second === "explain" && third !== undefined) {
    const path = third.split("/").map(encodeURIComponent).join("/");
    return { method: "GET", path: `/v1/queue/${path}/explain`, show: showExplanations };
  }
  if (first === "shares") return sharesCall(second, third);
  if (first === "reaction") return reactionCall(second, third, words);
  const kind = kinds.get(first ?? "");
  if (kind === undefined) return null;
  const { base, show } = kind;
  if (second === "list") return { method: "GET", path: base, show };
  if (third === undefined) return null;
  const path = `${base}/${encodeURIComponent(third)}`;
  if (second === "delete") return { method: "DELETE", path, show: showChanged };
  if (second !== "add") return null;
  const body = bodyOf(words);
  return body === null ? null : { method: "PUT", path, body, show: showChanged };
}

function reactionCall(
  order: string | undefined,
  id: string | undefined,
  words: readonly string[],
): Call | null {
  if (order === "list") return { method: "GET", path: "/v1/reactions", show: showReactions };
  if (id === undefined) return null;
  const path = `/v1/reactions/${encodeURIComponent(id)}`;
  if (order === "clear") return { method: "DELETE", path, show: showChanged };
  const body = order === "set" ? bodyOf(words) : null;
  if (body === null) return null;
  const { if: facts, ...rest } = body;
  return { method: "PUT", path, body: { facts, ...rest }, show: showChanged };
}

const kinds = new Map([
  ["policy", { base: "/v1/policies", show: showPolicies }],
  ["suspension", { base: "/v1/suspensions", show: showSuspensions }],
  ["quota", { base: "/v1/quotas", show: showQuotas }],
]);

function sharesCall(n: string | undefined, of: string | undefined): Call | null {
  if (n === undefined) return { method: "GET", path: "/v1/shares", show: showShares };
  if (of === undefined) return null;
  return {
    method: "PUT",
    path: "/v1/shares",
    body: { shares: { n: Number(n), of: Number(of) } },
    show: showShares,
  };
}

const numbers = new Set(["concurrency", "connectinterval", "ttl", "recipients"]);
const flags = new Set(["stop", "cluster"]);
const texts = new Set(["rate", "tag", "algorithm"]);

/** Null when a word is not understood; the engine checks the values. */
function bodyOf(words: readonly string[]): Record<string, unknown> | null {
  const conditions: Record<string, string> = {};
  const body: Record<string, unknown> = { if: conditions };
  for (const word of words) {
    const at = word.indexOf("=");
    const [key, value] = [word.slice(0, at), word.slice(at + 1)];
    if (at < 1) return null;
    if (queueFields.some((field) => field === key)) conditions[key] = value;
    else if (key === "fields") body[key] = value.split(",");
    else if (numbers.has(key)) body[key] = Number(value);
    else if (flags.has(key)) body[key] = value === "true";
    else if (texts.has(key)) body[key] = value;
    else return null;
  }
  return body;
}

function showExplanations(answer: unknown): string {
  const { entries, traces } = Explanations.parse(answer);
  return showEntries(entries) + traces.flatMap(({ lines }) => lines.map(showItem)).join("");
}

function showEntries(entries: Explanations["entries"]): string {
  return entries
    .map(({ id, recipient, reason, attempts, dueAt, lastReply, delayNotices, obstacles }) => {
      const told = delayNotices === 0 ? "" : `, notices of delay: ${delayNotices}`;
      const head = `${id}  ${recipient}: ${reason}; due ${dueAt}, ${attempts} attempts before${told}\n`;
      const reply = lastReply === "" ? "" : `  last reply: ${lastReply}\n`;
      const lines = obstacles.map(({ kind, id: rule, tag, source, detail, until }) =>
        [
          " ",
          kind,
          rule,
          tag === null ? "" : `(${tag})`,
          source === "" ? "" : `from ${source}:`,
          detail,
          until === null ? "" : `until ${until}`,
        ]
          .filter((part) => part !== "")
          .join(" "),
      );
      return head + reply + lines.map((line) => `${line}\n`).join("");
    })
    .join("");
}

function showPolicies(answer: unknown): string {
  return PolicyList.parse(answer)
    .policies.map(({ id, type, origin, fields, if: match, tag, endsAt, ...limits }) =>
      line([
        id,
        type,
        origin,
        `fields ${fields.map((field) => (typeof field === "string" ? field : JSON.stringify(field))).join(",") || "-"}`,
        `if ${JSON.stringify(match)}`,
        ...showLimits(limits),
        tag ?? "",
        endsAt === null ? "" : `until ${endsAt}`,
      ]),
    )
    .join("");
}

type Limits = Pick<
  PolicyList["policies"][number],
  "concurrency" | "rate" | "connectinterval" | "stop" | "cluster"
>;

function showLimits({ concurrency, rate, connectinterval, stop, cluster }: Limits): string[] {
  return [
    concurrency === null ? "" : `concurrency ${concurrency}`,
    rate === null ? "" : `rate ${rate.tokens}/${rate.seconds}`,
    connectinterval === 0 ? "" : `connectinterval ${connectinterval}`,
    stop ? "stop" : "",
    cluster ? "cluster" : "",
  ];
}

function showSuspensions(answer: unknown): string {
  return SuspensionList.parse(answer)
    .suspensions.map(({ id, origin, if: match, tag, endsAt }) =>
      line([id, origin, `if ${JSON.stringify(match)}`, tag ?? "", endsAt === null ? "" : `until ${endsAt}`]),
    )
    .join("");
}

function showQuotas(answer: unknown): string {
  return QuotaList.parse(answer)
    .quotas.map(({ id, origin, refused, counts, endsAt }) =>
      [
        line([id, origin, `${refused} refused`, endsAt === null ? "" : `until ${endsAt}`]),
        ...counts.map(({ values, used, limit }) => line([" ", values.join(" "), `${used} of ${limit}`])),
      ].join(""),
    )
    .join("");
}

function showReactions(answer: unknown): string {
  return ReactionList.parse(answer)
    .reactions.map(({ id, count, active }) =>
      [
        line([id, `${count} times`, `${active.length} in force`]),
        ...active.map(({ if: match, reply, endsAt }) =>
          line([" ", `if ${JSON.stringify(match)}`, `until ${endsAt ?? "cleared"}`, reply]),
        ),
      ].join(""),
    )
    .join("");
}

function line(parts: readonly string[]): string {
  return `${parts.filter((part) => part !== "").join("  ")}\n`;
}

function showShares(answer: unknown): string {
  const { n, of } = Shares.parse(answer).shares;
  return `${n} of ${of}\n`;
}

function showChanged(answer: unknown): string {
  return `${Changed.parse(answer).changed} changed\n`;
}
