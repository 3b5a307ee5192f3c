/**
 * Sessions of SMTP as they happen on all engines. The engines mask secrets and end a trace at its bounds; the page keeps the
 * latest lines, draws those in view, and stops when it is left. What strangers said is text here like everywhere.
 */
import { useEffect, useRef, useState } from "preact/hooks";

import type { ClusterTraceItem } from "#web/shared/web-api.ts";

import { api } from "../api.ts";
import { Choice, Field, PageHead, Problem, Silent } from "../components/parts.tsx";
import { type Column, VirtualTable } from "../components/virtual-table.tsx";
import { number } from "../format.ts";
import { language, t } from "../strings.ts";
import { type TraceRow, type Traced, nothingTraced, withItems } from "./traced.ts";

const fields = [
  ["remoteIp", "remoteIp"],
  ["sender", "sender"],
  ["recipient", "recipient"],
  ["domain", "domain"],
  ["transportId", "transport"],
  ["listener", "listener"],
] as const;

type Draft = Readonly<Record<string, string>>;
const EVERY_MS = 200;

export function TracePage() {
  const [draft, setDraft] = useState<Draft>({ direction: "", contentLines: "0", seconds: "300" });
  const [session, setSession] = useState("");
  const trace = useTrace();
  const set = (field: string) => (value: string) => setDraft((before) => ({ ...before, [field]: value }));
  const submit = (event: Event): void => {
    event.preventDefault();
    setSession("");
    if (trace.isRunning) trace.stop();
    else trace.start(draft);
  };
  const { rows, dropped, failures, ends } = trace.traced;
  const shown = session === "" ? rows : rows.filter((row) => row.session === session);
  return (
    <>
      <PageHead title={t("trace")}>
        <output aria-live="polite">
          {trace.isRunning && <span class="live">{t("live")}</span>}{" "}
          {t("traceLines", { count: number(rows.length, language()) })}
        </output>
      </PageHead>
      <p class="muted">{t("traceNote")}</p>
      <TraceForm draft={draft} set={set} isRunning={trace.isRunning} onSubmit={submit} />
      <Problem text={trace.error} />
      <Silent failures={failures} />
      {ends.length > 0 && (
        <p class="muted" role="status">
          {ends.map(({ engine, reason }) => t("traceEnded", { engine, reason })).join(" ")}
        </p>
      )}
      {dropped > 0 && <p class="muted">{t("traceDropped", { count: number(dropped, language()) })}</p>}
      {session !== "" && (
        <p>
          {t("onlySession")} <code>{session}</code>{" "}
          <button type="button" class="link" onClick={() => setSession("")}>
            {t("showAll")}
          </button>
        </p>
      )}
      <VirtualTable
        label={t("trace")}
        kind="trace"
        rows={shown}
        rowKey={({ key }) => String(key)}
        total={shown.length}
        columns={columnsOf(setSession)}
        rowHeight={32}
        follows
      />
    </>
  );
}

function TraceForm(props: {
  readonly draft: Draft;
  readonly set: (field: string) => (value: string) => void;
  readonly isRunning: boolean;
  readonly onSubmit: (event: Event) => void;
}) {
  const { draft, set, isRunning, onSubmit } = props;
  return (
    <form class="filter" onSubmit={onSubmit}>
      <div class="filter-more">
        <Choice
          name="direction"
          label="direction"
          value={draft["direction"] ?? ""}
          onChange={set("direction")}
          options={[
            ["", "–"],
            ["in", t("incoming")],
            ["out", t("outgoing")],
          ]}
        />
        {fields.map(([field, label]) => (
          <Field key={field} name={field} label={label} value={draft[field] ?? ""} onInput={set(field)} />
        ))}
        <Field
          name="contentLines"
          label="contentLines"
          type="number"
          value={draft["contentLines"] ?? ""}
          onInput={set("contentLines")}
        />
        <Field
          name="seconds"
          label="forSeconds"
          type="number"
          value={draft["seconds"] ?? ""}
          onInput={set("seconds")}
        />
      </div>
      <p class="buttons">
        <button type="submit" class={isRunning ? "danger" : "primary"}>
          {isRunning ? t("stop") : t("start")}
        </button>
      </p>
    </form>
  );
}

const signs: Readonly<Record<TraceRow["kind"], string>> = {
  open: "●",
  client: "C",
  server: "S",
  tls: "🔒",
  content: "…",
  close: "○",
};

function columnsOf(onSession: (session: string) => void): readonly Column<TraceRow>[] {
  return [
    { id: "time", head: t("timeOf"), cell: ({ at }) => at.slice(11, 23) },
    { id: "engine", head: t("engine"), cell: ({ engine }) => engine },
    {
      id: "session",
      head: t("session"),
      cell: ({ session, direction }) => (
        <button type="button" class="link" title={session} onClick={() => onSession(session)}>
          {direction === "in" ? "→" : "←"} {session.slice(-8)}
        </button>
      ),
    },
    {
      id: "said",
      head: t("said"),
      cell: ({ kind, text, bytes }) => (
        <span class={`transcript ${kind}`} title={text}>
          <b title={kind}>{signs[kind]}</b> {text}
          {bytes === undefined ? "" : ` (${bytes} B)`}
        </span>
      ),
    },
  ];
}

/** Lines are gathered for a moment before the page is drawn with them. */
function useTrace() {
  const [traced, setTraced] = useState<Traced>(nothingTraced);
  const [isRunning, setRunning] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const running = useRef<AbortController | null>(null);
  const stop = (): void => running.current?.abort();
  useEffect(() => stop, []);
  const start = (draft: Draft): void => {
    const hangUp = new AbortController();
    const arrived: ClusterTraceItem[] = [];
    const draw = (): void => {
      if (arrived.length === 0) return;
      const items = arrived.splice(0);
      setTraced((before) => withItems(before, items));
    };
    const timer = globalThis.setInterval(draw, EVERY_MS);
    running.current = hangUp;
    setTraced(nothingTraced);
    setError(null);
    setRunning(true);
    const query = Object.fromEntries(Object.entries(draft).filter(([, value]) => value.trim() !== ""));
    api
      .trace(query, hangUp.signal, (items) => void arrived.push(...items))
      .catch((cause: Error) => {
        if (!hangUp.signal.aborted) setError(cause.message);
      })
      .finally(() => {
        globalThis.clearInterval(timer);
        draw();
        setRunning(false);
      });
  };
  return { traced, isRunning, error, start, stop };
}
