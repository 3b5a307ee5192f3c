/**
 * Orders for many recipients at once: chosen rows, or all that the filter means. Before anything happens the server
 * counts what is meant; afterwards it is said what became of it on each engine, and where that is not known.
 */
import { useState } from "preact/hooks";

import type { MoveTarget, QueueFilter, QueueOrder } from "#contract/insight-api.ts";
import type { ClusterOrderResult } from "#web/shared/web-api.ts";

import { api } from "../api.ts";
import { Dialog } from "../components/dialog.tsx";
import { Field, Problem, Silent } from "../components/parts.tsx";
import { SimpleTable } from "../components/simple-table.tsx";
import { number } from "../format.ts";
import { language, t, word } from "../strings.ts";

type Action = QueueOrder["action"];
const actions = ["retry", "hold", "release", "move", "bounce", "delete"] as const satisfies readonly Action[];

interface Asked {
  readonly action: Action;
  readonly filter: QueueFilter;
}

export function OrderBar(props: {
  readonly filter: QueueFilter;
  readonly matched: number;
  readonly picked: ReadonlySet<string>;
  /** The question was left; `isDone`: what was meant has been told. */
  readonly onClose: (isDone: boolean) => void;
}) {
  const { filter, matched, picked, onClose } = props;
  const [asked, setAsked] = useState<Asked | null>(null);
  const isPicked = picked.size > 0;
  const meant = isPicked ? { ids: [...picked] } : filter;
  const count = number(isPicked ? picked.size : matched, language());
  const close = (isDone: boolean): void => {
    setAsked(null);
    onClose(isDone);
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

export function OrderDialog(props: { readonly asked: Asked; readonly onClose: (isDone: boolean) => void }) {
  const { asked } = props;
  const [result, setResult] = useState<ClusterOrderResult | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [target, setTarget] = useState<Target>(noTarget);
  const counted = useCount(asked, setError);
  const isMove = asked.action === "move";
  const to = targetOf(target);
  const run = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      setResult(await api.change({ ...asked, ...(isMove ? { to } : {}), dryRun: false }));
    } catch (cause) {
      setError(cause instanceof Error ? cause.message : String(cause));
    }
    setBusy(false);
  };
  const close = (): void => props.onClose(result !== null);
  const count = counted === null ? "…" : number(counted.matched, language());
  return (
    <Dialog title={t(asked.action)} onClose={close}>
      <Problem text={error} />
      <Silent failures={(result ?? counted)?.failures} />
      {result === null ? <p>{t("countBefore", { count })}</p> : <Result result={result} />}
      {result === null && isMove && <MoveFields target={target} onChange={setTarget} />}
      {result === null && asked.action === "delete" && <p class="muted">{t("deleteNote")}</p>}
      <p class="buttons">
        {result === null && (
          <button
            type="button"
            class="primary"
            disabled={isBusy || (counted?.matched ?? 0) === 0 || (isMove && Object.keys(to).length === 0)}
            onClick={() => void run()}
          >
            {t("doIt", { action: t(asked.action), count })}
          </button>
        )}
        <button type="button" onClick={close}>
          {result === null ? t("cancel") : t("close")}
        </button>
      </p>
    </Dialog>
  );
}

const targetFields = [
  ["transportId", "transport"],
  ["jobId", "job"],
  ["tenantId", "tenant"],
  ["grouping", "grouping"],
] as const;
type Target = Readonly<Record<(typeof targetFields)[number][0], string>>;
const noTarget: Target = { transportId: "", jobId: "", tenantId: "", grouping: "" };

/** What was filled in; the rest stays as it is. */
export function targetOf(target: Target): MoveTarget {
  return Object.fromEntries(Object.entries(target).filter(([, value]) => value.trim() !== ""));
}

function MoveFields(props: { readonly target: Target; readonly onChange: (target: Target) => void }) {
  const { target, onChange } = props;
  return (
    <fieldset class="move">
      <legend>{t("moveTo")}</legend>
      {targetFields.map(([field, label]) => (
        <Field
          key={field}
          name={`to-${field}`}
          label={label}
          value={target[field]}
          onInput={(value) => onChange({ ...target, [field]: value })}
        />
      ))}
    </fieldset>
  );
}

/** Counts once, when the dialog opens. */
function useCount(asked: Asked, onError: (text: string) => void): ClusterOrderResult | null {
  const [counted, setCounted] = useState<ClusterOrderResult | null | "asking">(null);
  if (counted === null) {
    setCounted("asking");
    // Counted before it is known where to: what a filter means does not depend on it.
    const order = asked.action === "move" ? { filter: asked.filter, action: "hold" as const } : asked;
    api.change({ ...order, dryRun: true }).then(setCounted, (cause: Error) => onError(cause.message));
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
