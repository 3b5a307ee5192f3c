/** The queue of the cluster: search by any fact, groups, rows to the end of it, and orders for what is meant. */
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";

import type { QueueFilter } from "#contract/insight-api.ts";
import type { ClusterEntry, ClusterPage } from "#web/shared/web-api.ts";

import { api } from "../api.ts";
import { PageHead, Problem, Silent } from "../components/parts.tsx";
import { number } from "../format.ts";
import { placeHref } from "../location.ts";
import { language, t } from "../strings.ts";
import { useSessionBack } from "../use-data.ts";
import { filterOf } from "./filter.ts";
import { FilterForm } from "./filter-form.tsx";
import { Groups } from "./groups.tsx";
import { OrderBar } from "./order.tsx";
import { QueueRows } from "./queue-rows.tsx";

/** What one looks through row by row; beyond that a narrower search is what helps. */
const MAX_ROWS = 10_000;

interface QueueProps {
  /** The filter as it stands in the address. */
  readonly query: Readonly<Record<string, string>>;
  readonly mayChange: boolean;
}

export function QueuePage({ query, mayChange }: QueueProps) {
  const key = JSON.stringify(query);
  const filter = useMemo(() => filterOf(query), [key]);
  const { rows, page, error, more, reload } = useRows(filter);
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => setPicked(new Set()), [filter]);
  const go = (next: Readonly<Record<string, string>>): void => {
    const href = placeHref("queue", [], next);
    if (location.hash === href) void reload();
    else location.hash = href;
  };
  // Rows that were told something may be gone, and must not be told anything else by mistake.
  const close = (isDone: boolean): void => {
    if (isDone) setPicked(new Set());
    void reload();
  };
  return (
    <>
      <PageHead title={t("queue")}>
        <output aria-live="polite">
          {page !== null && t("inAll", { count: number(page.matched, language()) })}
        </output>
      </PageHead>
      <FilterForm query={query} onSearch={go} />
      <Problem text={error} />
      <Silent failures={page?.failures} />
      <Groups filter={filter} query={query} onPick={go} />
      {mayChange && <OrderBar filter={filter} matched={page?.matched ?? 0} picked={picked} onClose={close} />}
      {rows.length >= MAX_ROWS && <p class="muted">{t("refined", { count: MAX_ROWS })}</p>}
      <QueueRows
        rows={rows}
        total={page?.matched ?? 0}
        picked={picked}
        onPick={setPicked}
        mayPick={mayChange}
        onEnd={more}
      />
    </>
  );
}

function useRows(filter: QueueFilter) {
  const [rows, setRows] = useState<readonly ClusterEntry[]>([]);
  const [page, setPage] = useState<ClusterPage | null>(null);
  const [error, setError] = useState<string | null>(null);
  const isBusy = useRef(false);
  const current = useRef(filter);
  const load = useCallback(async (after: string | null, before: readonly ClusterEntry[]) => {
    if (isBusy.current && after !== null) return;
    isBusy.current = true;
    const asked = current.current;
    try {
      const next = await api.search(asked, after);
      if (asked !== current.current) return;
      setPage(next);
      setRows([...before, ...next.entries]);
      setError(null);
    } catch (cause) {
      setError(cause instanceof Error ? cause.message : String(cause));
    } finally {
      isBusy.current = false;
    }
  }, []);
  useEffect(() => {
    current.current = filter;
    void load(null, []);
  }, [filter, load]);
  const more = useCallback(() => {
    const next = page?.next ?? null;
    if (next !== null && rows.length < MAX_ROWS) void load(next, rows);
  }, [page, rows, load]);
  const reload = useCallback(() => load(null, []), [load]);
  useSessionBack(reload);
  return { rows, page, error, more, reload };
}
