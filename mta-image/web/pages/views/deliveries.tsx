/** What became of mail: outcomes by destination with their codes, and the latest attempts. */
import type { ClusterDeliveries } from "#web/shared/web-api.ts";

import { api } from "../api.ts";
import { Badge, Loading, PageHead, Problem, Silent } from "../components/parts.tsx";
import { SimpleTable } from "../components/simple-table.tsx";
import { number, time } from "../format.ts";
import { placeHref } from "../location.ts";
import { language, t, word } from "../strings.ts";
import { useData } from "../use-data.ts";
import { outcomeTones } from "./message.tsx";

export function DeliveriesPage() {
  const { data, error } = useData(api.deliveries, "deliveries", 5_000);
  return (
    <>
      <PageHead title={t("deliveries")}>
        {data !== null && data.since !== "" && (
          <span class="muted">{t("since", { time: time(data.since, language()) })}</span>
        )}
      </PageHead>
      <Problem text={error} />
      <Loading when={data === null && error === null} />
      {data !== null && (
        <>
          <Silent failures={data.failures} />
          <Classes rows={data.classes} />
          <Destinations rows={data.destinations} />
          <Latest rows={data.attempts.slice(0, 100)} />
        </>
      )}
    </>
  );
}

/** What kinds of answer kept mail from being delivered. */
function Classes({ rows }: { readonly rows: ClusterDeliveries["classes"] }) {
  return (
    <section>
      <h2>{t("replyClasses")}</h2>
      <SimpleTable
        label={t("replyClasses")}
        rows={rows}
        rowKey={(row) => `${row.class} ${row.outcome}`}
        columns={[
          { head: t("typeOf"), cell: (row) => row.class },
          {
            head: t("result"),
            cell: ({ outcome }) => <Badge tone={outcomeTones[outcome]}>{word(outcome)}</Badge>,
          },
          { head: t("count"), cell: ({ count }) => number(count, language()), isNumber: true },
        ]}
      />
    </section>
  );
}

function Destinations({ rows }: { readonly rows: ClusterDeliveries["destinations"] }) {
  const figure = (value: number): string => number(value, language());
  return (
    <section>
      <h2>{t("destinations")}</h2>
      <SimpleTable
        label={t("destinations")}
        rows={rows.slice(0, 200)}
        rowKey={({ domain }) => domain}
        columns={[
          {
            head: t("domain"),
            cell: ({ domain }) => <a href={placeHref("queue", [], { recipientDomain: domain })}>{domain}</a>,
          },
          { head: t("delivered"), cell: ({ delivered }) => figure(delivered), isNumber: true },
          { head: t("deferred"), cell: ({ deferred }) => figure(deferred), isNumber: true },
          { head: t("failed"), cell: ({ failed }) => figure(failed), isNumber: true },
          { head: t("unclear"), cell: ({ unclear }) => figure(unclear), isNumber: true },
          {
            head: t("codes"),
            cell: ({ codes }) =>
              codes
                .slice(0, 5)
                .map(({ code, count }) => `${code} × ${count}`)
                .join(", "),
          },
          { head: t("lastReply"), cell: ({ lastReply }) => lastReply },
        ]}
      />
    </section>
  );
}

function Latest({ rows }: { readonly rows: ClusterDeliveries["attempts"] }) {
  return (
    <section>
      <h2>{t("latestAttempts")}</h2>
      <SimpleTable
        label={t("latestAttempts")}
        rows={rows}
        rowKey={({ at, messageId, recipient }) => `${at} ${messageId} ${recipient}`}
        columns={[
          { head: t("timeOf"), cell: ({ at }) => time(at, language()) },
          {
            head: t("result"),
            cell: ({ outcome }) => <Badge tone={outcomeTones[outcome]}>{word(outcome)}</Badge>,
          },
          { head: t("recipient"), cell: ({ recipient }) => recipient },
          { head: t("reply"), cell: ({ reply }) => reply },
          { head: t("destination"), cell: ({ remoteMta }) => remoteMta || "–" },
          { head: t("engine"), cell: ({ engine }) => engine },
        ]}
      />
    </section>
  );
}
