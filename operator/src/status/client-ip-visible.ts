/**
 * ClientIPVisible (pure): clients appear with addresses of their own and not with that of whatever is in front of the pods.
 * What is known stays so until sessions say otherwise, and bounds are apart, so that a mix of clients does not make it
 * flap; the message has no figures, so that it is not written again.
 */
import {
  ALONE,
  type ClientView,
  FEWEST_SESSIONS,
  HIDDEN,
  viewClients,
} from "#operator/slots/client-addresses.ts";

import type { VerdictOn } from "./conditions.ts";
import type { Judged } from "./judged.ts";

type Verdict = VerdictOn<"ClientIPVisible">;
type Reason = Verdict["reason"];

/** `before`: the reason that stands in the status. */
export function clientIpVisible(judged: Judged, before: string | undefined): Verdict {
  const { spec, slots, isNodeAddress } = judged;
  if (isNodeAddress === null) return worded("NodesUnknown", judged);
  const view = viewClients(
    slots.map(({ pod }) => pod?.engine ?? null),
    isNodeAddress,
  );
  return worded(reasonOf(view, before, spec.service.type !== "ClusterIP"), judged);
}

function reasonOf(view: ClientView, before: string | undefined, isOpen: boolean): Reason {
  const { sessions, fromNodes, others } = view;
  if (sessions < FEWEST_SESSIONS) return KNOWN.find((reason) => reason === before) ?? "FewSessions";
  if (fromNodes >= sessions * (before === "NodeAddresses" ? HIDDEN.until : HIDDEN.from))
    return "NodeAddresses";
  // Inside the cluster a single application may well be the only client.
  const isAlone = others <= (before === "FewAddresses" ? ALONE.until : ALONE.from);
  return isOpen && isAlone ? "FewAddresses" : "Visible";
}

const KNOWN: readonly Reason[] = ["Visible", "NodeAddresses", "FewAddresses"];

function worded(reason: Reason, { spec }: Judged): Verdict {
  const isMixing = spec.service.externalTrafficPolicy === "Cluster";
  switch (reason) {
    case "Visible":
      return { status: "True", reason, message: "clients appear with addresses of their own" };
    case "NodeAddresses": {
      const way = isMixing ? `set service.externalTrafficPolicy: Local, or ${HEADER}` : HEADER;
      const message = `clients appear with addresses of nodes, so nothing that goes by the client's address works: ${way}`;
      return { status: "False", reason, message };
    }
    case "FewAddresses": {
      const message = `all clients have one or two addresses: good where there are no more; if something in front hides them, ${HEADER}`;
      return { status: "Unknown", reason, message };
    }
    case "FewSessions":
      return { status: "Unknown", reason, message: "too few sessions have brought mail to tell" };
    case "NodesUnknown":
      return {
        status: "Unknown",
        reason,
        message: "the operator may not read nodes, so their addresses are unknown (nodeAccess of the chart)",
      };
  }
}

const HEADER =
  "let the load balancer keep the client's address or send a PROXY header (listeners[].proxyProtocol)";
