/**
 * Tells engines from whom they fetch the suppression list, when slots/list-sources.ts finds that changed. One that does
 * not answer goes on with what it has and is told in a later pass. Never rejects.
 */
import { describe } from "#base/error.ts";
import { type SourcesOrder, decideSources } from "#operator/slots/list-sources.ts";

import { addressOf, adminUrl, type Observed } from "./observe.ts";
import { again, done, type Result } from "./result.ts";
import type { Tools } from "./tools.ts";

const AT_ONCE = 8;
const RETRY_MS = 10_000;

export async function tellSources(tools: Tools, observed: Observed): Promise<Result> {
  const orders = decideSources(observed.slots, ({ name, ip }) => `${name} ${adminUrl(ip)}`);
  let missed = 0;
  for (let i = 0; i < orders.length; i += AT_ONCE) {
    const told = await Promise.all(orders.slice(i, i + AT_ONCE).map((order) => tell(tools, observed, order)));
    missed += told.filter((isTold) => !isTold).length;
  }
  return missed === 0 ? done : again(RETRY_MS, "an engine has not heard whose suppression list to fetch");
}

async function tell(tools: Tools, { key, cluster, admin }: Observed, order: SourcesOrder): Promise<boolean> {
  const { pod, sources } = order;
  const facts = { ...key, pod: pod.name, sources: sources.map(({ name }) => name).join(" ") };
  const address = addressOf(pod.ip, cluster, admin);
  const peers = sources.map(({ name, ip }) => {
    return { name, url: adminUrl(ip), servername: address.serverName };
  });
  try {
    const state = await tools.engines.follow(address, { peers });
    // What is known of it is older than this.
    await tools.reports.askNow(pod.uid);
    tools.log.info({ ...facts, isTaken: state !== null }, "sources-told");
    return true;
  } catch (error) {
    tools.log.warn({ ...facts, reason: describe(error) }, "sources-not-told");
    return false;
  }
}
