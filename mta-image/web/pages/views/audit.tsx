/** Who did what, and what came of it. */
import { api } from "../api.ts";
import { Badge, Loading, PageHead, Problem } from "../components/parts.tsx";
import { SimpleTable } from "../components/simple-table.tsx";
import { time } from "../format.ts";
import { language, t, word } from "../strings.ts";
import { useData } from "../use-data.ts";

export function AuditPage() {
  const { data, error } = useData(api.audit, "audit", 5_000);
  return (
    <>
      <PageHead title={t("audit")} />
      <p class="muted">{t("auditNote")}</p>
      <Problem text={error} />
      <Loading when={data === null && error === null} />
      {data !== null && (
        <SimpleTable
          label={t("audit")}
          rows={data.entries}
          rowKey={({ at, action, user, detail }) => `${at} ${action} ${user} ${detail}`}
          columns={[
            { head: t("timeOf"), cell: ({ at }) => time(at, language()) },
            { head: t("user"), cell: ({ user, role }) => (user === "" ? "–" : `${user} (${word(role)})`) },
            { head: t("address"), cell: ({ address }) => address },
            { head: t("action"), cell: ({ action }) => action },
            { head: t("asked"), cell: ({ detail }) => <code>{detail}</code> },
            {
              head: t("status"),
              cell: ({ status }) => <Badge tone={status === 200 ? "good" : "bad"}>{status}</Badge>,
            },
            { head: t("result"), cell: ({ result }) => result },
          ]}
        />
      )}
    </>
  );
}
