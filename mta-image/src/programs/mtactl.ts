/**
 * mtactl: talks to the admin API of a running engine. Prints tables for people and, with --json, the answer as
 * it came. Ends with 0 when the engine did what it was asked, 1 when it refused (the reason is on standard
 * error), 2 when the call itself was wrong or nobody answered.
 */
import { parseArgs } from "node:util";
import { type Dispatcher, request } from "undici";

import { describe } from "#base/error.ts";
import { ApiError, EngineStatus } from "#contract/admin-api.ts";
import { startupFile } from "#contract/config.ts";
import { paths } from "#contract/runtime.ts";

import { suppressionCall, suppressionUsage } from "./mtactl-suppression.ts";
import { queueCall, queueUsage } from "./mtactl-queue.ts";
import { pluginCall, pluginsUsage } from "./mtactl-plugins.ts";
import { type Call, ruleCall, rulesUsage } from "./mtactl-rules.ts";
import { stageCall, stageUsage } from "./mtactl-stage.ts";
import { breakpointCall, breakpointUsage } from "./mtactl-breakpoint.ts";
import { hslCall, hslFlags, hslUsage } from "./mtactl-hsl.ts";
import { findAccess } from "./mtactl-access.ts";
import { followTrace, traceFlags, traceQuery, traceUsage } from "./mtactl-trace.ts";

const usage = `mtactl: control a running smtpd

  mtactl status
${queueUsage}${suppressionUsage}${rulesUsage}${pluginsUsage}${stageUsage}${breakpointUsage}${hslUsage}${traceUsage}  mtactl config reload
  mtactl drain            take no new mail, go on delivering
  mtactl fence            take no mail and try none, also after a restart
  mtactl serve            take mail again

  -c, --config F    the engine's smtpd.yaml, which says where and how (default ${paths.config}/${startupFile})
  --url URL         admin API, in place of what the file says (MTACTL_URL)
  --token-file F    bearer token, in place of what the file says (MTACTL_TOKEN_FILE)
  --json            print the answer as JSON
`;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    config: { type: "string", short: "c", default: `${paths.config}/${startupFile}` },
    url: { type: "string" },
    "token-file": { type: "string" },
    json: { type: "boolean", default: false },
    domain: { type: "string" },
    status: { type: "string" },
    limit: { type: "string" },
    after: { type: "string" },
    ...traceFlags,
    ...hslFlags,
    where: { type: "string", multiple: true, default: [] },
    to: { type: "string", multiple: true, default: [] },
    "dry-run": { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  if (positionals[0] === "trace" && !flags.help) return trace();
  const call = findCall();
  if (typeof call === "string") {
    process.stderr.write(`mtactl: ${call}\n`);
    return 2;
  }
  if (flags.help || call === null) {
    process.stderr.write(usage);
    return flags.help ? 0 : 2;
  }
  try {
    const response = await send(call);
    const answer: unknown = await response.body.json();
    if (response.statusCode !== 200) return refuse(answer, response.statusCode);
    process.stdout.write(flags.json ? `${JSON.stringify(answer, null, 2)}\n` : call.show(answer));
    return call.refused?.(answer) === true ? 1 : 0;
  } catch (error) {
    process.stderr.write(`mtactl: no answer: ${describe((error as Error).cause ?? error)}\n`);
    return 2;
  }
}

/** Null for what is no command; a text for one that cannot be sent. */
function findCall(): Call | string | null {
  try {
    return (
      ruleCall(positionals) ??
      queueCall(positionals, flags) ??
      suppressionCall(positionals) ??
      pluginCall(positionals) ??
      stageCall(positionals) ??
      hslCall(positionals, flags) ??
      breakpointCall(positionals) ??
      toCall(positionals)
    );
  } catch (error) {
    return describe(error);
  }
}

function toCall([first, second]: readonly string[]): Call | null {
  if (first === "status") return { method: "GET", path: "/v1/status", show: showStatus };
  if (first === "drain")
    return { method: "POST", path: "/v1/drain", body: { mode: "Cordon" }, show: showStatus };
  if (first === "fence")
    return { method: "POST", path: "/v1/drain", body: { mode: "Fence" }, show: showStatus };
  if (first === "serve")
    return { method: "POST", path: "/v1/drain", body: { mode: "Serve" }, show: showStatus };
  if (first === "config" && second === "reload")
    return { method: "POST", path: "/v1/config/reload", body: {}, show: showReload };
  return null;
}

/** Lasts until a bound is reached or somebody presses Ctrl-C. */
async function trace(): Promise<number> {
  try {
    const path = `/v1/trace?${traceQuery(flags)}`;
    const response = await send({ method: "GET", path }, { lasts: true });
    if (response.statusCode !== 200) return refuse(await response.body.json(), response.statusCode);
    await followTrace(response.body, { asJson: flags.json, write: (text) => process.stdout.write(text) });
    return 0;
  } catch (error) {
    process.stderr.write(`mtactl: no answer: ${describe((error as Error).cause ?? error)}\n`);
    return 2;
  }
}

async function send(call: Omit<Call, "show">, { lasts = false } = {}): Promise<Dispatcher.ResponseData> {
  const { url, token, agent } = await findAccess({
    url: flags.url ?? process.env["MTACTL_URL"],
    tokenFile: flags["token-file"] ?? process.env["MTACTL_TOKEN_FILE"],
    config: flags.config,
  });
  return request(new URL(call.path, url), {
    method: call.method,
    headers: {
      ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
      ...(call.body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(lasts ? { bodyTimeout: 60_000 } : { signal: AbortSignal.timeout(10_000) }),
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    ...(agent === null ? {} : { dispatcher: agent }),
  });
}

function refuse(answer: unknown, status: number): number {
  const error = ApiError.safeParse(answer);
  process.stderr.write(`mtactl: ${error.success ? error.data.message : `the engine answered ${status}`}\n`);
  for (const problem of error.data?.problems ?? [])
    process.stderr.write(`  ${problem.file} ${problem.path}: ${problem.reason}\n`);
  return 1;
}

function showStatus(answer: unknown): string {
  const status = EngineStatus.parse(answer);
  const { queue, totals } = status;
  const rows: [string, string][] = [
    ["state", `${status.state}${status.ready ? "" : ", not ready"}`],
    ["version", status.version],
    ["revision", status.revision],
    ["queue", `${queue.total} (${queue.active} active, ${queue.deferred} deferred, ${queue.hold} on hold)`],
    ["oldest due", `${Math.round(queue.oldestDueSeconds)} s`],
    ["sessions", String(status.sessions)],
    ["deliveries", String(status.deliveries)],
    ["accepted", String(totals.accepted)],
    [
      "outcomes",
      `${totals.delivered} delivered, ${totals.deferred} deferred, ${totals.failed} failed, ${totals.unclear} unclear`,
    ],
    ...(status.spoolClosed === null ? [] : ([["spool", status.spoolClosed]] as [string, string][])),
    ...status.plugins.map((plugin): [string, string] => [
      `plugin ${plugin.id}`,
      `${plugin.state} ${plugin.sha256}`,
    ]),
  ];
  return rows.map(([name, value]) => `${name.padEnd(12)} ${value}\n`).join("");
}

function showReload(answer: unknown): string {
  return `revision ${(answer as { revision: string }).revision} is in force\n`;
}
