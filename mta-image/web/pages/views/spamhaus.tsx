/** Spamhaus: what was asked, what was found, what it led to, and what kept lookups from telling. */
import type { ClusterMetrics } from "#web/shared/web-api.ts";

import { api } from "../api.ts";
import { Badge, Loading, PageHead, Problem, Silent } from "../components/parts.tsx";
import { SimpleTable } from "../components/simple-table.tsx";
import { number } from "../format.ts";
import { type Key, language, t } from "../strings.ts";
import { useData } from "../use-data.ts";

const tables: readonly (readonly [metric: string, title: Key])[] = [
  ["mta_spamhaus_hits_total", "hits"],
  ["mta_spamhaus_queries_total", "queries"],
  ["mta_spamhaus_rulings_total", "rulings"],
  ["mta_spamhaus_errors_total", "lookups"],
];

interface Row {
  readonly labels: string;
  readonly value: number;
}

export function SpamhausPage() {
  const { data, error } = useData(api.metrics, "spamhaus", 5_000);
  return (
    <>
      <PageHead title={t("spamhaus")} />
      <Problem text={error} />
      <Loading when={data === null && error === null} />
      {data !== null && (
        <>
          <Silent failures={data.failures} />
          <Health />
          {tables.map(([metric, title]) => (
            <section key={metric}>
              <h2>{t(title)}</h2>
              <SimpleTable
                label={t(title)}
                rows={sumOf(data, metric)}
                rowKey={({ labels }) => labels}
                columns={[
                  { head: t("typeOf"), cell: ({ labels }) => labels },
                  { head: t("count"), cell: ({ value }) => number(value, language()), isNumber: true },
                ]}
              />
            </section>
          ))}
        </>
      )}
    </>
  );
}

/** What each engine says of its key and its lookups. */
function Health() {
  const { data } = useData(api.overview, "spamhaus-health", 5_000);
  const rows = data?.engines.flatMap(({ name, status }) => {
    const { spamhaus } = status;
    return spamhaus === undefined || spamhaus === null ? [] : [{ name, ...spamhaus }];
  });
  if (rows === undefined) return null;
  return (
    <section>
      <h2>{t("health")}</h2>
      {rows.length === 0 && <p class="muted">{t("notIn")}</p>}
      {rows.length > 0 && (
        <SimpleTable
          label={t("health")}
          rows={rows}
          rowKey={({ name }) => name}
          columns={[
            { head: t("engine"), cell: ({ name }) => name },
            {
              head: t("state"),
              cell: ({ trouble }) => (
                <Badge tone={trouble === null ? "good" : "bad"}>{trouble ?? t("well")}</Badge>
              ),
            },
            { head: t("keyInUse"), cell: ({ key }) => key ?? "–" },
            { head: t("missingLists"), cell: ({ missing }) => missing.join(", ") || "–" },
          ]}
        />
      )}
    </section>
  );
}

/** Over all engines; what is zero everywhere is left out. */
export function sumOf({ engines }: ClusterMetrics, metric: string): Row[] {
  const sums = new Map<string, number>();
  for (const { metrics } of engines) {
    for (const { labels, value } of metrics.find(({ name }) => name === metric)?.values ?? []) {
      const key = Object.values(labels).join(" ");
      sums.set(key, (sums.get(key) ?? 0) + (value ?? 0));
    }
  }
  return [...sums]
    .filter(([, value]) => value > 0)
    .map(([labels, value]) => ({ labels, value }))
    .sort((a, b) => b.value - a.value);
}
