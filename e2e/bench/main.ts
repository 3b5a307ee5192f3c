/**
 * Messages a second that one mail server takes (each answered with 250 only when it is safe) and passes on to another
 * server, for Postfix, Haraka, KumoMTA where there is one, one process of ours and the least that could be one, with
 * smtp-source and smtp-sink on both sides of each; and what a message costs:
 *
 *   make bench        or: [KUMOD=/path/to/kumod] node e2e/bench/main.ts [rounds] [messages]
 *
 * Servers take turns within a round, so a machine that gets slower gets slower for all; what is printed are medians
 * with the least and the most, and ratios of medians. `accepted` counts until smtp-source has its last 250, `delivered`
 * until the sink has the last message. Figures are good for comparing within one run only.
 */
import { loadavg } from "node:os";

import { CONNECTIONS, type Figures, type Load, countSyscalls, measure } from "./measure.ts";
import { haraka } from "./haraka.ts";
import { kumos } from "./kumomta.ts";
import { type Row, ratio, table } from "./report.ts";
import { type Subject, bareLoop, ceiling, mailfleet, postfix } from "./subjects.ts";

const rounds = Number(process.argv[2] ?? 5);
const messages = Number(process.argv[3] ?? 40_000);

/** Slower servers and larger loads get fewer messages, so that all take about as long. */
interface Scenario {
  readonly load: Load;
  readonly shares: readonly (readonly [Subject, share: number])[];
  readonly ratios: readonly (readonly ["accepted" | "delivered", other: Subject])[];
}

const scenarios: readonly Scenario[] = [
  {
    load: { name: "4,096 bytes, connections that stay", sizeBytes: 4096, isReconnecting: false },
    shares: [[ceiling, 2], [postfix, 1 / 4], [haraka, 1 / 8], ...kumos, [bareLoop, 1], [mailfleet, 1]],
    ratios: [
      ["accepted", postfix],
      ["delivered", postfix],
      ["accepted", haraka],
      ["delivered", haraka],
      ...kumos.map(([kumo]) => ["delivered", kumo] as const),
      ["accepted", ceiling],
      ["delivered", bareLoop],
    ],
  },
  {
    load: { name: "4,096 bytes, a new connection for each message", sizeBytes: 4096, isReconnecting: true },
    shares: [
      [postfix, 1 / 8],
      [mailfleet, 1 / 2],
    ],
    ratios: [["accepted", postfix]],
  },
  {
    load: { name: "102,400 bytes, connections that stay", sizeBytes: 102_400, isReconnecting: false },
    shares: [
      [ceiling, 1 / 4],
      [mailfleet, 1 / 8],
    ],
    ratios: [["accepted", ceiling]],
  },
];

const results = new Map(scenarios.map((scenario) => [scenario, new Map<Subject, Figures[]>()]));
for (let round = 1; round <= rounds; round++) {
  for (const scenario of scenarios) await playRound(round, scenario);
}
for (const { load, shares, ratios } of scenarios) {
  const rows = new Map(shares.map(([subject]) => [subject, rowOf(load, subject)]));
  process.stdout.write(
    table(`${load.name}, ${CONNECTIONS} connections, ${rounds} rounds`, [...rows.values()]),
  );
  for (const [name, other] of ratios)
    process.stdout.write(ratio(name, rows.get(mailfleet) as Row, rows.get(other) as Row));
}
const [plain] = scenarios as readonly [Scenario];
const syscalls = await countSyscalls(mailfleet, plain.load, 1000);
process.stdout.write(`\nsystem calls a message: ${syscalls?.toFixed(1) ?? "unknown, there is no strace"}\n`);

async function playRound(round: number, scenario: Scenario): Promise<void> {
  for (const [subject, share] of scenario.shares) {
    const figures = await measure(subject, scenario.load, Math.ceil(messages * share));
    const all = results.get(scenario) as Map<Subject, Figures[]>;
    all.set(subject, [...(all.get(subject) ?? []), figures]);
    const { accepted, delivered } = figures;
    process.stdout.write(
      `round ${round}, ${scenario.load.name}, ${subject.name}: ${Math.round(accepted)} accepted, ${Math.round(delivered)} delivered (load ${loadavg()[0]?.toFixed(1)})\n`,
    );
  }
}

function rowOf(load: Load, subject: Subject): Row {
  const scenario = scenarios.find((one) => one.load === load) as Scenario;
  return { server: subject.name, figures: results.get(scenario)?.get(subject) ?? [] };
}
