/** Reports of bounces and complaints, with those who are told of what is found: events, and the suppression list. */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";

import type { Events } from "../events/events.ts";
import { Feedback } from "../feedback/feedback.ts";
import type { Finding } from "../feedback/findings.ts";
import { domainOf } from "../message/envelope.ts";
import type { MailQueue } from "./mail-queue.ts";

export function makeFeedback(options: {
  readonly clock: Clock;
  readonly log: Log;
  readonly events: Events;
  readonly mail: () => MailQueue;
}): Feedback {
  const { clock, log, events, mail } = options;
  return new Feedback({ clock, log, found: (finding) => take(finding, events, mail()) });
}

/** Only what is verified, of a known tenant, keeps mail from anybody. */
function take(finding: Finding, events: Events, { watch, suppression }: MailQueue): void {
  const { type, messageId, tenant, recipient, verified, action, status, reply, remoteMta } = finding;
  const domain = domainOf(recipient);
  const reason = type === "complained" ? "complaint" : watch.classify({ reply, status }, domain);
  const common = { type, messageId, recipient, domain, verified, action, status, reply, remoteMta };
  const names = tenant === null || tenant === "" ? {} : { tenantId: tenant };
  events.tell({ ...common, ...names, class: reason, sender: "", transportId: "", size: 0, attempts: 0 });
  if (!verified || tenant === null) return;
  if (type === "complained") suppression.complained(tenant, recipient);
  else if (action === "failed") suppression.failed(tenant, recipient, reason);
}
