/** Policies and suspensions that came while the engines ran: who gave them, what they say, until when. */
import { useState } from "preact/hooks";

import type { ClusterPolicies, ClusterSuspensions, RuleResult } from "#web/shared/web-api.ts";

import { api } from "../api.ts";
import { Badge, PageHead, Problem, Silent } from "../components/parts.tsx";
import { SimpleTable } from "../components/simple-table.tsx";
import { duration, secondsUntil } from "../format.ts";
import { t } from "../strings.ts";
import { useData } from "../use-data.ts";
import { Outcome, RuleForm } from "./rule-form.tsx";
import { FromFiles } from "./static-rules.tsx";

type PolicyRow = ClusterPolicies["policies"][number];
type SuspensionRow = ClusterSuspensions["suspensions"][number];
type Kind = "policies" | "suspensions";

export function RulesPage({ mayChange }: { readonly mayChange: boolean }) {
  const policies = useData(api.policies, "policies", 5_000);
  const suspensions = useData(api.suspensions, "suspensions", 5_000);
  const [adding, setAdding] = useState<Kind | null>(null);
  const [result, setResult] = useState<RuleResult | null>(null);
  const [error, setError] = useState<string | null>(null);
  const reload = (): void => {
    void policies.reload();
    void suspensions.reload();
  };
  const remove = (kind: Kind, id: string): void => {
    const show = (answer: RuleResult): void => {
      setResult(answer);
      reload();
    };
    setError(null);
    api.deleteRule(kind, id).then(show, (cause: Error) => setError(cause.message));
  };
  const close = (): void => {
    setAdding(null);
    reload();
  };
  return (
    <>
      <PageHead title={t("policies")}>
        {mayChange && (
          <>
            <button type="button" onClick={() => setAdding("policies")}>
              {t("addPolicy")}
            </button>
            <button type="button" onClick={() => setAdding("suspensions")}>
              {t("addSuspension")}
            </button>
          </>
        )}
      </PageHead>
      <Problem text={error ?? policies.error ?? suspensions.error} />
      <Outcome result={result} />
      {(result?.failures ?? []).length === 0 && <Silent failures={policies.data?.failures} />}
      <Policies
        rows={policies.data?.policies ?? []}
        onDelete={mayChange ? (id) => remove("policies", id) : null}
      />
      <h2>{t("suspensions")}</h2>
      <Suspensions
        rows={suspensions.data?.suspensions ?? []}
        onDelete={mayChange ? (id) => remove("suspensions", id) : null}
      />
      <h2>{t("fromFiles")}</h2>
      <FromFiles />
      {adding !== null && <RuleForm kind={adding} onClose={close} />}
    </>
  );
}

type OnDelete = ((id: string) => void) | null;

function Policies({ rows, onDelete }: { readonly rows: readonly PolicyRow[]; readonly onDelete: OnDelete }) {
  return (
    <SimpleTable
      label={t("policies")}
      rows={rows}
      rowKey={({ policy }) => policy.id}
      columns={[
        { head: t("idOfRule"), cell: ({ policy }) => <b>{policy.id}</b> },
        { head: t("typeOf"), cell: ({ policy }) => <Badge tone="calm">{policy.type}</Badge> },
        { head: t("origin"), cell: ({ policy }) => policy.origin },
        { head: t("condition"), cell: ({ policy }) => <Condition match={policy.if} /> },
        { head: t("fields"), cell: ({ policy }) => policy.fields.map(fieldText).join(", ") || "–" },
        { head: t("limit"), cell: ({ policy }) => limitText(policy) },
        { head: t("engines"), cell: Where },
        { head: t("ends"), cell: ({ policy }) => endText(policy.endsAt) },
        ...deleteColumn<PolicyRow>(onDelete, ({ policy }) => policy.id),
      ]}
    />
  );
}

function Suspensions({
  rows,
  onDelete,
}: {
  readonly rows: readonly SuspensionRow[];
  readonly onDelete: OnDelete;
}) {
  return (
    <SimpleTable
      label={t("suspensions")}
      rows={rows}
      rowKey={({ suspension }) => suspension.id}
      columns={[
        { head: t("idOfRule"), cell: ({ suspension }) => <b>{suspension.id}</b> },
        { head: t("origin"), cell: ({ suspension }) => suspension.origin },
        { head: t("condition"), cell: ({ suspension }) => <Condition match={suspension.if} /> },
        { head: t("tag"), cell: ({ suspension }) => suspension.tag ?? "–" },
        { head: t("engines"), cell: Where },
        { head: t("ends"), cell: ({ suspension }) => endText(suspension.endsAt) },
        ...deleteColumn<SuspensionRow>(onDelete, ({ suspension }) => suspension.id),
      ]}
    />
  );
}

function deleteColumn<T>(onDelete: OnDelete, idOf: (row: T) => string) {
  if (onDelete === null) return [];
  const cell = (row: T) => (
    <button
      type="button"
      class="danger"
      aria-label={`${t("delete")} ${idOf(row)}`}
      onClick={() => onDelete(idOf(row))}
    >
      {t("delete")}
    </button>
  );
  return [{ head: t("action"), cell }];
}

function Condition({
  match,
}: {
  readonly match: Readonly<Record<string, string | readonly string[] | undefined>>;
}) {
  const parts = Object.entries(match).map(([field, value]) => `${field} = ${String(value)}`);
  return <>{parts.length === 0 ? t("everything") : parts.join(", ")}</>;
}

function Where({ engines, isSame }: { readonly engines: readonly string[]; readonly isSame: boolean }) {
  return (
    <span title={engines.join(", ")}>
      {t("onEngines", { count: engines.length })} {!isSame && <Badge tone="warn">{t("agesDiffer")}</Badge>}
    </span>
  );
}

function fieldText(field: PolicyRow["policy"]["fields"][number]): string {
  return typeof field === "string" ? field : JSON.stringify(field);
}

export function limitText({ concurrency, rate, connectinterval }: PolicyRow["policy"]): string {
  const parts = [
    concurrency === null ? "" : `≤ ${concurrency}`,
    rate === null ? "" : `${rate.tokens}/${rate.seconds} s`,
    connectinterval === 0 ? "" : `${connectinterval} s`,
  ];
  return parts.filter((part) => part !== "").join(", ") || "–";
}

function endText(endsAt: string | null): string {
  return endsAt === null ? t("never") : duration(secondsUntil(endsAt, Date.now()));
}
