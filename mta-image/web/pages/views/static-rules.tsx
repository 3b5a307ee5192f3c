/** Policies and suspensions that stand in files: what a change of the configuration would change. */
import { api } from "../api.ts";
import { Badge, Problem, Silent } from "../components/parts.tsx";
import { SimpleTable } from "../components/simple-table.tsx";
import { t } from "../strings.ts";
import { useData } from "../use-data.ts";

export function FromFiles() {
  const { data, error } = useData(api.staticRules, "static-rules");
  if (data === null) return <Problem text={error} />;
  return (
    <>
      <Silent failures={data.failures} />
      {data.groups.length === 0 && <p class="muted">{t("nothing")}</p>}
      {data.groups.map(({ engines, rules, further }) => (
        <section key={engines.join()}>
          <p class="muted">
            {t("engines")}: {engines.join(", ")}
          </p>
          <SimpleTable
            label={`${t("fromFiles")}: ${engines.join(", ")}`}
            rows={rows(rules)}
            rowKey={({ place }) => place}
            columns={[
              { head: t("placeInFile"), cell: ({ place }) => <code>{place}</code> },
              { head: t("typeOf"), cell: ({ kind }) => <Badge tone="calm">{t(kind)}</Badge> },
              { head: t("condition"), cell: ({ match }) => match.join(", ") || t("everything") },
              { head: t("fields"), cell: ({ fields }) => fields.join(", ") || "–" },
              { head: t("limit"), cell: ({ limits }) => limits.join(", ") || "–" },
            ]}
          />
          {further > 0 && <p class="muted">{t("proposalFurther", { count: further })}</p>}
        </section>
      ))}
    </>
  );
}

type Rules = Awaited<ReturnType<typeof api.staticRules>>["groups"][number]["rules"];

/** Suspensions first: they stop mail. */
function rows(rules: Rules): Rules {
  return rules.toSorted((a, b) => Number(a.kind === "policy") - Number(b.kind === "policy"));
}
