/** One message: its facts, its recipients with the reason why each waits, its attempts, its header. */
import { decodeWords } from "postal-mime";
import { useState } from "preact/hooks";

import type { QueueFilter, QueueOrder } from "#contract/insight-api.ts";
import type { ClusterMessage } from "#web/shared/web-api.ts";

import { api } from "../api.ts";
import { Badge, FactList, Loading, PageHead, Problem, type Tone } from "../components/parts.tsx";
import { SimpleTable } from "../components/simple-table.tsx";
import { bytes, time } from "../format.ts";
import { language, t, word } from "../strings.ts";
import { useData } from "../use-data.ts";
import { OrderDialog } from "./order.tsx";
import { dueText, statusTones } from "./queue-rows.tsx";

interface MessageProps {
  readonly engine: string;
  readonly id: string;
  readonly mayChange: boolean;
}

type Message = ClusterMessage["message"];

export function MessagePage({ engine, id, mayChange }: MessageProps) {
  const { data, error, reload } = useData(() => api.message(engine, id), `${engine} ${id}`, 5_000);
  return (
    <>
      <PageHead title={t("message")}>{mayChange && <Orders id={id} onDone={() => void reload()} />}</PageHead>
      <Problem text={error} />
      <Loading when={data === null && error === null} />
      {data !== null && (
        <>
          <Facts engine={engine} message={data.message} />
          <Recipients {...data} />
          <Attempts message={data.message} />
          <Headers headers={data.message.headers} />
        </>
      )}
    </>
  );
}

const actions = [
  "retry",
  "hold",
  "release",
  "bounce",
  "delete",
] as const satisfies readonly QueueOrder["action"][];

function Orders({ id, onDone }: { readonly id: string; readonly onDone: () => void }) {
  const [action, setAction] = useState<QueueOrder["action"] | null>(null);
  const filter: QueueFilter = { ids: [id] };
  const close = (): void => {
    setAction(null);
    onDone();
  };
  return (
    <>
      {actions.map((each) => (
        <button
          type="button"
          key={each}
          class={each === "delete" || each === "bounce" ? "danger" : ""}
          onClick={() => setAction(each)}
        >
          {t(each)}
        </button>
      ))}
      {action !== null && <OrderDialog asked={{ action, filter }} onClose={close} />}
    </>
  );
}

function Facts({ engine, message }: { readonly engine: string; readonly message: Message }) {
  const { origin } = message;
  const subject = message.headers?.find(({ name }) => name.toLowerCase() === "subject")?.value;
  const facts: readonly (readonly [string, string])[] = [
    [t("subject"), subject === undefined ? "–" : decodeWords(subject)],
    [t("sender"), message.sender || "<>"],
    [t("messageId"), message.id],
    [t("engine"), engine],
    [t("receivedAt"), time(message.receivedAt, language())],
    [t("size"), bytes(message.sizeBytes)],
    [
      t("from"),
      `${origin.remoteIp || origin.kind} ${origin.helo} ${origin.protocol} ${origin.tls ?? ""}`.trim(),
    ],
    [t("job"), message.jobId || "–"],
    [t("tenant"), message.tenantId || "–"],
  ];
  return <FactList facts={facts} />;
}

function Recipients({ message, explanations }: ClusterMessage) {
  const reasons = new Map(explanations.entries.map((entry) => [entry.id, entry]));
  const now = Date.now();
  return (
    <section>
      <h2>{t("recipients")}</h2>
      <SimpleTable
        label={t("recipients")}
        rows={message.entries}
        rowKey={({ id }) => id}
        columns={[
          { head: t("recipient"), cell: ({ recipient }) => recipient },
          {
            head: t("status"),
            cell: ({ status }) => <Badge tone={statusTones[status]}>{word(status)}</Badge>,
          },
          { head: t("attempts"), cell: ({ attempts }) => attempts, isNumber: true },
          { head: t("due"), cell: ({ dueAt }) => dueText(dueAt, now) },
          { head: t("reason"), cell: ({ id }) => <Reason entry={reasons.get(id)} /> },
          { head: t("lastReply"), cell: ({ lastReply }) => lastReply },
        ]}
      />
    </section>
  );
}

function Reason({
  entry,
}: {
  readonly entry: ClusterMessage["explanations"]["entries"][number] | undefined;
}) {
  if (entry === undefined) return <>–</>;
  return (
    <>
      {entry.reason}
      {entry.obstacles.map(({ kind, id, detail, tag }) => (
        <div class="muted" key={`${kind} ${id} ${detail}`}>
          {[kind, id, tag, detail].filter((part) => part !== null && part !== "").join(" · ")}
        </div>
      ))}
    </>
  );
}

export const outcomeTones: Readonly<Record<Message["attempts"][number]["outcome"], Tone>> = {
  delivered: "good",
  deferred: "warn",
  failed: "bad",
  unclear: "bad",
};

function Attempts({ message }: { readonly message: Message }) {
  return (
    <section>
      <h2>{t("attempts")}</h2>
      <SimpleTable
        label={t("attempts")}
        rows={message.attempts}
        rowKey={({ at, recipient }) => `${at} ${recipient}`}
        columns={[
          { head: t("timeOf"), cell: ({ at }) => time(at, language()) },
          { head: t("recipient"), cell: ({ recipient }) => recipient },
          {
            head: t("result"),
            cell: ({ outcome }) => <Badge tone={outcomeTones[outcome]}>{word(outcome)}</Badge>,
          },
          { head: t("reply"), cell: ({ reply }) => reply },
          { head: t("engine"), cell: ({ remoteMta }) => remoteMta || "–" },
        ]}
      />
    </section>
  );
}

/** As it came: what a sender wrote is shown, never run. */
function Headers({ headers }: { readonly headers: Message["headers"] }) {
  return (
    <section>
      <h2>{t("headers")}</h2>
      {headers === null ? (
        <p class="muted">{t("headersGone")}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        <pre class="source" tabIndex={0}>
          {headers.map(fieldText).join("")}
        </pre>
      )}
    </section>
  );
}

/** The folds of a long field are undone on the way; a tab is where most programs make them. */
function fieldText({ name, value }: NonNullable<Message["headers"]>[number]): string {
  const text = value.replace(/\t+/g, "\n    ");
  return name === "" ? `${text}\n` : `${name}: ${text}\n`;
}
