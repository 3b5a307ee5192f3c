/** IP warm-up: the plan of the configuration, and the budgets that are in force of it. */
import { api } from "../api.ts";
import { PageHead, Problem, Silent } from "../components/parts.tsx";
import { SimpleTable } from "../components/simple-table.tsx";
import { t } from "../strings.ts";
import { useData } from "../use-data.ts";
import { limitText } from "./rules.tsx";

export function WarmUpPage({ maySeeConfig }: { readonly maySeeConfig: boolean }) {
  const { data, error } = useData(api.policies, "warm-up", 5_000);
  const rows = data?.policies.filter(({ policy }) => policy.type === "warmup") ?? [];
  return (
    <>
      <PageHead title={t("warmUp")} />
      <p class="muted">{t("warmUpNote")}</p>
      <Problem text={error} />
      <Silent failures={data?.failures} />
      <SimpleTable
        label={t("warmUp")}
        rows={rows}
        rowKey={({ policy }) => policy.id}
        columns={[
          { head: t("idOfRule"), cell: ({ policy }) => <b>{policy.id}</b> },
          { head: t("address"), cell: ({ policy }) => String(policy.if.localip ?? "–") },
          {
            head: t("condition"),
            cell: ({ policy }) => String(policy.if.grouping ?? policy.if.recipientdomain ?? "–"),
          },
          { head: t("limit"), cell: ({ policy }) => limitText(policy) },
          { head: t("origin"), cell: ({ policy }) => policy.origin },
          { head: t("engines"), cell: ({ engines }) => t("onEngines", { count: engines.length }) },
        ]}
      />
      {maySeeConfig && <Plan />}
    </>
  );
}

function Plan() {
  const { data } = useData(api.config, "warm-up-plan");
  const text = data?.revisions[0]?.files["smtpd-policy.yaml"] ?? "";
  if (text === "") return null;
  return (
    <section>
      <h2>{t("warmUpPlan")}</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <pre class="source" tabIndex={0}>
        {text}
      </pre>
    </section>
  );
}
