/**
 * What the MailCluster says of its roll-out, and the orders that may be given: each says first what it will do and what it
 * writes. An order holds for the object that was looked at; one that has changed meanwhile takes none, which is said.
 */
import { useState } from "preact/hooks";

import type { RolloutOrder, RolloutView, SessionView } from "#web/shared/web-api.ts";

import { api } from "../api.ts";
import { Dialog } from "../components/dialog.tsx";
import { FactList, Problem } from "../components/parts.tsx";
import { UNKNOWN, time } from "../format.ts";
import { may } from "../may.ts";
import { language, t } from "../strings.ts";
import { useData } from "../use-data.ts";

type Cluster = NonNullable<RolloutView["cluster"]>;

const ANNOTATION = "mailfleet.io/rollout";

/** Those of `rolloutOrders`, with the role that each needs. */
const orders = [
  ["pause", "operator"],
  ["resume", "operator"],
  ["promote", "admin"],
  ["rollback", "admin"],
] as const;

export function RolloutOrders({ session }: { readonly session: SessionView }) {
  const { data, error, reload } = useData(api.rollout, "rollout-orders", 3_000);
  if (data === null) return <Problem text={error} />;
  const { cluster, failure } = data;
  return (
    <>
      <Problem text={error} />
      {failure?.code === "kubernetes" && <Problem text={t("rolloutSilent", { reason: failure.message })} />}
      {cluster === null ? (
        <Commands isOff={failure?.code === "off"} />
      ) : (
        <Orders cluster={cluster} session={session} reload={reload} />
      )}
    </>
  );
}

/** The same by hand. */
function Commands({ isOff }: { readonly isOff: boolean }) {
  return (
    <>
      {isOff && <p class="muted">{t("rolloutOff")}</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <pre class="source" tabIndex={0}>
        {orders.map(([order]) => `kubectl mailfleet ${order} NAME\n`).join("")}
      </pre>
    </>
  );
}

interface OrdersProps {
  readonly cluster: Cluster;
  readonly session: SessionView;
  readonly reload: () => Promise<void>;
}

function Orders({ cluster, session, reload }: OrdersProps) {
  const [asked, ask] = useState<RolloutOrder | null>(null);
  const close = (): void => {
    ask(null);
    void reload();
  };
  return (
    <section>
      <h2>{t("rolloutCluster")}</h2>
      {cluster.isPaused && <p class="notice warn">{t("rolloutPaused")}</p>}
      <Facts cluster={cluster} />
      {may(session, "operator") && (
        <div class="orders" role="group" aria-label={t("rollout")}>
          {orders
            .filter(([, role]) => may(session, role))
            .map(([order]) => (
              <button
                type="button"
                key={order}
                class={order === "rollback" ? "danger" : ""}
                disabled={!hasSense(order, cluster)}
                onClick={() => ask(order)}
              >
                {t(`${order}Order`)}
              </button>
            ))}
          {!may(session, "admin") && <span class="muted">{t("needsAdmin")}</span>}
        </div>
      )}
      {asked !== null && <OrderDialog order={asked} cluster={cluster} onClose={close} />}
    </section>
  );
}

function Facts({ cluster }: { readonly cluster: Cluster }) {
  const { name, namespace, phase, since, message, target, lastGood, word } = cluster;
  const sinceText = since === null ? "" : ` (${t("since", { time: time(since, language()) })})`;
  return (
    <>
      <FactList
        facts={[
          [t("rolloutCluster"), `${namespace}/${name}`],
          [t("rolloutPhase"), `${phase ?? UNKNOWN}${sinceText}`],
          [t("said"), message ?? UNKNOWN],
          [t("rolloutTarget"), target ?? UNKNOWN],
          [t("rolloutLastGood"), lastGood ?? UNKNOWN],
        ]}
      />
      {word !== null && (
        <p class="notice warn" role="status">
          {word === "pause" ? t("rolloutHeld") : t("rolloutWord", { word })}
        </p>
      )}
    </>
  );
}

/** Whether it would change anything (pure). A resume takes back any word; nothing to try out has no end to order. */
export function hasSense(order: RolloutOrder, { word, target, lastGood, phase }: Cluster): boolean {
  if (order === "resume") return word !== null;
  if (word === order) return false;
  const isUnder = target !== null && lastGood !== null && target !== lastGood;
  if (order === "rollback") return isUnder && phase !== "RolledBack";
  return isUnder || order === "pause";
}

function OrderDialog(props: {
  readonly order: RolloutOrder;
  readonly cluster: Cluster;
  readonly onClose: () => void;
}) {
  const { order, cluster, onClose } = props;
  const [state, setState] = useState<"asking" | "busy" | "done">("asking");
  const [error, setError] = useState<string | null>(null);
  const run = async (): Promise<void> => {
    setState("busy");
    setError(null);
    try {
      await api.orderRollout(order, cluster.resourceVersion);
      setState("done");
    } catch (cause) {
      setError(cause instanceof Error ? cause.message : String(cause));
      setState("asking");
    }
  };
  const target = cluster.target ?? UNKNOWN;
  const change = order === "resume" ? `${ANNOTATION}-` : `${ANNOTATION}=${order}`;
  return (
    <Dialog title={t(`${order}Order`)} onClose={onClose}>
      <Problem text={error} />
      <p>{t(`${order}Effect`, { target, lastGood: cluster.lastGood ?? UNKNOWN })}</p>
      {state === "done" ? (
        <p role="status">
          <strong>{t("orderTaken", { change })}</strong>
        </p>
      ) : (
        <p class="muted">{t("orderWrites", { cluster: `${cluster.namespace}/${cluster.name}`, change })}</p>
      )}
      <p class="buttons">
        {state !== "done" && (
          <button type="button" class="primary" disabled={state === "busy"} onClick={() => void run()}>
            {t(`${order}Order`)}
          </button>
        )}
        <button type="button" onClick={onClose}>
          {t(state === "done" ? "close" : "cancel")}
        </button>
      </p>
    </Dialog>
  );
}
