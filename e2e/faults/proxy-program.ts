/**
 * A fault proxy as a process of its own, for an operator that runs in a pod: it stands in the network of the node, with a
 * certificate of the cluster's authority. Asked over standard input, one word a line:
 *
 *   on | off    whether things go wrong; answers {"on":true}
 *   report      {"faults":12,"summary":"refuse 7, cut-all 5","writes":80,"kills":1}
 *
 * Its first line is {"ready":true,"port":N}. `kills` counts the moments in which the operator is to die: whoever asks sees
 * that it does.
 */
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

import { FaultProxy } from "./fault-proxy.ts";
import { Schedule } from "./schedule.ts";

const text = { type: "string", default: "" } as const;
const { values } = parseArgs({
  options: {
    kubeconfig: text,
    "act-as": text,
    address: text,
    ca: text,
    "ca-key": text,
    seed: text,
    most: text,
  },
});
const schedule = new Schedule(Number(values.seed), Number(values.most));
schedule.isOn = false;
let kills = 0;
const proxy = await FaultProxy.start({
  kubeconfig: values.kubeconfig,
  actAs: values["act-as"],
  address: values.address,
  authority: { cert: values.ca, key: values["ca-key"] },
  choose: (kind) => schedule.next(kind),
  onKill: () => kills++,
});

function obey(word: string): unknown {
  switch (word) {
    case "on":
    case "off":
      schedule.isOn = word === "on";
      return { on: schedule.isOn };
    case "report":
      return { faults: schedule.count, summary: schedule.summary, writes: proxy.writes, kills };
    default:
      return { error: `unknown word ${word}` };
  }
}

process.stdout.write(`${JSON.stringify({ ready: true, port: proxy.port })}\n`);
const orders = createInterface({ input: process.stdin });
orders.on("line", (line) => process.stdout.write(`${JSON.stringify(obey(line.trim()))}\n`));
orders.on("close", () => process.exit(0));
