/** How what was found falls into groups; a click on one searches for it. */
import { useState } from "preact/hooks";

import type { GroupQuery, QueueFilter } from "#contract/insight-api.ts";

import { api } from "../api.ts";
import { Choice, Problem } from "../components/parts.tsx";
import { number } from "../format.ts";
import { type Key, language, t, word } from "../strings.ts";
import { useData } from "../use-data.ts";
import { type Query, narrowed } from "./filter.ts";

type By = GroupQuery["by"];

const choices: readonly (readonly [By, Key])[] = [
  ["recipientDomain", "recipientDomain"],
  ["senderDomain", "senderDomain"],
  ["sender", "sender"],
  ["status", "status"],
  ["age", "age"],
  ["nextRetry", "nextRetry"],
  ["attempts", "attempts"],
  ["reply", "reply"],
  ["transportId", "transport"],
  ["jobId", "job"],
  ["tenantId", "tenant"],
  ["remoteIp", "remoteIp"],
];

const spans = ["due", "0..1m", "1m..5m", "5m..15m", "15m..1h", "1h..4h", "4h..1d", "1d..3d", "3d.."];

interface GroupsProps {
  readonly filter: QueueFilter;
  readonly query: Query;
  readonly onPick: (query: Query) => void;
}

export function Groups({ filter, query, onPick }: GroupsProps) {
  const [by, setBy] = useState<By | "">("");
  return (
    <section class="groups" aria-label={t("groups")}>
      <Choice
        name="group"
        label="distribution"
        value={by}
        onChange={setBy}
        options={[["", "–"] as const, ...choices.map(([value, key]) => [value, t(key)] as const)]}
      />
      {by !== "" && <Bars by={by} filter={filter} query={query} onPick={onPick} />}
    </section>
  );
}

function Bars({ by, filter, query, onPick }: GroupsProps & { readonly by: By }) {
  const { data, error } = useData(() => api.groups(filter, by), `${by} ${JSON.stringify(filter)}`);
  if (data === null) return <Problem text={error} />;
  const isSpan = by === "age" || by === "nextRetry";
  const groups = isSpan
    ? [...data.groups].sort((a, b) => spans.indexOf(a.key) - spans.indexOf(b.key))
    : data.groups.slice(0, 30);
  const most = Math.max(1, ...groups.map(({ count }) => count));
  return (
    <ol class="bars">
      {groups.map(({ key, count }) => {
        const next = narrowed(query, by, key);
        const label = key === "" ? "–" : word(key);
        return (
          <li key={key}>
            <span class="bar-label">
              {next === null ? (
                label
              ) : (
                <button type="button" class="link" onClick={() => onPick(next)}>
                  {label}
                </button>
              )}
            </span>
            <meter min={0} max={most} value={count} aria-label={label} />
            <span class="number">{number(count, language())}</span>
          </li>
        );
      })}
    </ol>
  );
}
