/** The rows of the queue, with a box to choose each by for those who may change something. */
import type { ClusterEntry } from "#web/shared/web-api.ts";

import { Badge, type Tone } from "../components/parts.tsx";
import { type Column, VirtualTable } from "../components/virtual-table.tsx";
import { duration, secondsUntil } from "../format.ts";
import { placeHref } from "../location.ts";
import { t, word } from "../strings.ts";

export const statusTones: Readonly<Record<ClusterEntry["status"], Tone>> = {
  active: "good",
  deferred: "warn",
  hold: "calm",
};

interface RowsProps {
  readonly rows: readonly ClusterEntry[];
  readonly total: number;
  readonly picked: ReadonlySet<string>;
  readonly onPick: (picked: ReadonlySet<string>) => void;
  readonly mayPick: boolean;
  readonly onEnd: () => void;
}

export function QueueRows(props: RowsProps) {
  const { rows, total, mayPick, onEnd } = props;
  return (
    <VirtualTable
      label={t("queue")}
      kind={mayPick ? "queue with-pick" : "queue"}
      rows={rows}
      rowKey={rowKeyOf}
      total={total}
      onEnd={onEnd}
      columns={[...(mayPick ? [pickColumn(props)] : []), ...columnsAt(Date.now())]}
    />
  );
}

function pickColumn({ rows, picked, onPick }: RowsProps): Column<ClusterEntry> {
  const toggle = (id: string): void => {
    const next = new Set(picked);
    if (!next.delete(id)) next.add(id);
    onPick(next);
  };
  const all = (isOn: boolean): void => onPick(new Set(isOn ? rows.map(({ id }) => id) : []));
  const head = (
    <input
      type="checkbox"
      aria-label={t("selectAll")}
      checked={rows.length > 0 && picked.size === rows.length}
      onChange={({ currentTarget }) => all(currentTarget.checked)}
    />
  );
  const cell = ({ id }: ClusterEntry) => (
    <input
      type="checkbox"
      aria-label={t("selectRow", { id })}
      checked={picked.has(id)}
      onChange={() => toggle(id)}
    />
  );
  return { id: "pick", head, cell };
}

function columnsAt(now: number): readonly Column<ClusterEntry>[] {
  return [
    {
      id: "recipient",
      head: t("recipient"),
      cell: ({ recipient, engine, messageId }) => (
        <a href={placeHref("message", [engine, messageId])}>{recipient}</a>
      ),
    },
    { id: "sender", head: t("sender"), cell: ({ sender }) => sender || "<>" },
    {
      id: "status",
      head: t("status"),
      cell: ({ status }) => <Badge tone={statusTones[status]}>{word(status)}</Badge>,
    },
    { id: "attempts", head: t("attempts"), cell: ({ attempts }) => attempts },
    { id: "age", head: t("age"), cell: ({ receivedAt }) => duration(-secondsUntil(receivedAt, now)) },
    { id: "due", head: t("due"), cell: ({ dueAt }) => dueText(dueAt, now) },
    {
      id: "reply",
      head: t("lastReply"),
      cell: ({ lastReply }) => <span title={lastReply}>{lastReply}</span>,
    },
    { id: "engine", head: t("engine"), cell: ({ engine }) => engine },
  ];
}

/** A message may stand in two engines while it is handed over. */
function rowKeyOf({ engine, id }: ClusterEntry): string {
  return `${engine} ${id}`;
}

export function dueText(dueAt: string, now: number): string {
  const seconds = secondsUntil(dueAt, now);
  return seconds <= 0 ? t("dueNow") : duration(seconds);
}
