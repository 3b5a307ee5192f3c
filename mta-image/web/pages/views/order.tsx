/**
 * Orders for many recipients at once: chosen rows, or all that the filter means. Before anything happens the server
 * counts what is meant; afterwards it is said what became of it on each engine, and where that is not known.
 */
import { useState } from "preact/hooks";

import type { QueueFilter, QueueOrder } from "#contract/insight-api.ts";
import type { ClusterOrderResult } from "#web/shared/web-api.ts";

import { api } from "../api.ts";
import { Dialog } from "../components/dialog.tsx";
import { Problem, Silent } from "../components/parts.tsx";
import { SimpleTable } from "../components/simple-table.tsx";
import { number } from "../format.ts";
import { language, t, word } from "../strings.ts";

type Action = QueueOrder["action"];
const actions = ["retry", "hold", "release", "bounce", "delete"] as const satisfies readonly Action[];

interface Asked {
  readonly action: Action;
  readonly filter: QueueFilter;
}

export function OrderBar(props: {
  readonly filter: QueueFilter;
  readonly matched: number;
  readonly picked: ReadonlySet<string>;
  readonly onDone: () => void;
}) {
  const { filter, matched, picked, onDone } = props;
  const [asked, setAsked] = useState<Asked | null>(null);
  const isPicked = picked.size > 0;
  const meant = isPicked ? { ids: [...picked] } : filter;
  const count = number(isPicked ? picked.size : matched, language());
  const close = (): void => {
    setAsked(null);
    onDone();
  };
  return (
    <div class="orders" role="group" aria-label={t("action")}>
      <span>{isPicked ? t("selected", { count }) : `${t("inOneList")}: ${count}`}</span>
      {actions.map((action) => (
        <button
          type="button"
          key={action}
          class={action === "delete" || action === "bounce" ? "danger" : ""}
          disabled={matched === 0}
          onClick={() => setAsked({ action, filter: meant })}
        >
          {t(action)}
        </button>
      ))}
      {asked !== null && <OrderDialog asked={asked} onClose={close} />}
    </div>
  );
}

export function OrderDialog({ asked, onClose }: { readonly asked: Asked; readonly onClose: () => void }) {
  const [result, setResult] = useState<ClusterOrderResult | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const counted = useCount(asked, setError);
  const run = async (): Promise<void> => {
    setBusy(true);
    try {
      setResult(await api.change({ ...asked, dryRun: false }));
    } catch (cause) {
      setError(cause instanceof Error ? cause.message : String(cause));
    }
    setBusy(false);
  };
  const count = counted === null ? "…" : number(counted.matched, language());
  return (
    <Dialog title={t(asked.action)} onClose={onClose}>
      <Problem text={error} />
      <Silent failures={(result ?? counted)?.failures} />
      {result === null ? <p>{t("countBefore", { count })}</p> : <Result result={result} />}
      {result === null && asked.action === "delete" && <p class="muted">{t("deleteNote")}</p>}
      <p class="buttons">
        {result === null && (
          <button
            type="button"
            class="primary"
            disabled={isBusy || (counted?.matched ?? 0) === 0}
            onClick={() => void run()}
          >
            {t("doIt", { action: t(asked.action), count })}
          </button>
        )}
        <button type="button" onClick={onClose}>
          {result === null ? t("cancel") : t("close")}
        </button>
      </p>
    </Dialog>
  );
}

/** Counts once, when the dialog opens. */
function useCount(asked: Asked, onError: (text: string) => void): ClusterOrderResult | null {
  const [counted, setCounted] = useState<ClusterOrderResult | null | "asking">(null);
  if (counted === null) {
    setCounted("asking");
    api.change({ ...asked, dryRun: true }).then(setCounted, (cause: Error) => onError(cause.message));
  }
  return counted === "asking" ? null : counted;
}

function Result({ result }: { readonly result: ClusterOrderResult }) {
  const { matched, changed, engines, failures } = result;
  return (
    <div role="status">
      <p>
        <strong>{t("changed", { changed, matched })}</strong>
      </p>
      {failures.length > 0 && <p>{t("resultUnknown", { count: failures.length })}</p>}
      <SimpleTable
        label={word("engines")}
        rows={engines}
        rowKey={({ engine }) => engine}
        columns={[
          { head: t("engine"), cell: ({ engine }) => engine },
          { head: t("recipients"), cell: (row) => row.matched, isNumber: true },
          { head: t("result"), cell: (row) => row.changed, isNumber: true },
        ]}
      />
    </div>
  );
}
