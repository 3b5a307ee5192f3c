/** IP warm-up: for each address what the plan allows and what was sent from it, by day, and the budgets in force. */
import { useMemo, useState } from "preact/hooks";

import type { ClusterWarmUp } from "#web/shared/web-api.ts";

import { api } from "../api.ts";
import { Chart } from "../components/chart.tsx";
import { Loading, PageHead, Problem, Silent } from "../components/parts.tsx";
import { SimpleTable } from "../components/simple-table.tsx";
import { number, time } from "../format.ts";
import { language, t } from "../strings.ts";
import { useData } from "../use-data.ts";
import { limitText } from "./rules.tsx";
import { daysOf, sentToday } from "./warm-up-days.ts";

type Address = ClusterWarmUp["addresses"][number];

export function WarmUpPage() {
  const { data, error } = useData(api.warmUp, "warm-up", 5_000);
  return (
    <>
      <PageHead title={t("warmUp")} />
      <Problem text={error} />
      <Loading when={data === null && error === null} />
      {data !== null && (
        <>
          <p class="muted">{t("warmUpNote", { since: time(data.since, language()) })}</p>
          <Silent failures={data.failures} />
          {data.differing.length > 0 && (
            <p class="notice warn">{t("warmUpDiffering", { engines: data.differing.join(", ") })}</p>
          )}
          <Addresses data={data} />
        </>
      )}
      <h2>{t("warmUpRules")}</h2>
      <Budgets />
    </>
  );
}

function Addresses({ data }: { readonly data: ClusterWarmUp }) {
  const [chosen, choose] = useState("");
  const { addresses } = data;
  const address = addresses.find(({ ip }) => ip === chosen) ?? addresses[0];
  const figure = (value: number) => number(value, language());
  return (
    <>
      <SimpleTable
        label={t("warmUp")}
        rows={addresses}
        rowKey={({ ip }) => ip}
        columns={[
          {
            head: t("address"),
            cell: ({ ip }) => (
              <button
                type="button"
                class="link"
                aria-label={t("warmUpChoose", { ip })}
                aria-pressed={ip === address?.ip}
                onClick={() => choose(ip)}
              >
                {ip}
              </button>
            ),
          },
          { head: t("warmUpClass"), cell: (row) => row.class },
          { head: t("warmUpDay"), cell: ({ day }) => figure(day), isNumber: true },
          {
            head: t("warmUpToday"),
            cell: ({ budget }) => (budget === null ? t("warmUpDone") : figure(budget)),
            isNumber: true,
          },
          { head: t("warmUpActual"), cell: (row) => <Today data={data} address={row} />, isNumber: true },
          {
            head: t("warmUpDelivered"),
            cell: ({ ip }) => figure(sentToday(data, ip).delivered),
            isNumber: true,
          },
        ]}
      />
      {address !== undefined && <Days key={address.ip} data={data} address={address} />}
    </>
  );
}

function Today({ data, address }: { readonly data: ClusterWarmUp; readonly address: Address }) {
  const { ip, budget } = address;
  const { tried } = sentToday(data, ip);
  return (
    <>
      {budget !== null && (
        <>
          <meter
            min={0}
            max={budget}
            value={Math.min(tried, budget)}
            aria-label={`${ip}: ${t("warmUpActual")}`}
          />{" "}
        </>
      )}
      {number(tried, language())}
    </>
  );
}

function Days({ data, address }: { readonly data: ClusterWarmUp; readonly address: Address }) {
  const days = useMemo(() => daysOf(data, address), [data, address]);
  return (
    <Chart
      title={t("warmUpChart", { ip: address.ip })}
      at={days.at}
      readAt={days.today}
      hasPoints
      lines={[
        { label: t("warmUpPlan"), colour: "warn", values: days.planned },
        { label: t("warmUpTried"), colour: "accent", values: days.tried },
        { label: t("delivered"), colour: "good", values: days.delivered },
      ]}
    />
  );
}

/** As policies of the queue, with what else they go by. */
function Budgets() {
  const { data, error } = useData(api.policies, "warm-up-rules", 5_000);
  const rows = data?.policies.filter(({ policy }) => policy.type === "warmup") ?? [];
  return (
    <>
      <Problem text={error} />
      <SimpleTable
        label={t("warmUpRules")}
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
    </>
  );
}
