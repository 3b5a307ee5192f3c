/** Spamhaus: what was asked, what was found, what it led to, and what kept lookups from telling. */
import type { ClusterMetrics } from "#web/shared/web-api.ts";

import { api } from "../api.ts";
import { Loading, PageHead, Problem, Silent } from "../components/parts.tsx";
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
