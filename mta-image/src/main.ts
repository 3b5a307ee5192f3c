/**
 * smtpd: reads options and configuration, starts the engine, ends it in order on a signal. What keeps it from
 * starting is said on standard error, one line a problem, and told by the exit code (contract/runtime.ts).
 */
import { hostname } from "node:os";

import { calmClock } from "#base/calm-clock.ts";
import { systemClock } from "#base/clock.ts";
import { Failure, describe } from "#base/error.ts";
import { type Log, makeLog } from "#base/log.ts";
import { collectGarbage } from "#base/memory.ts";
import { systemRandom } from "#base/random.ts";
import type { Problem } from "#contract/admin-api.ts";
import { idleKeysOf } from "#contract/halon-keys.ts";
import { exitCodes } from "#contract/runtime.ts";

import { ConfigFailure } from "./config/config-failure.ts";
import { unreadBeside } from "./config/files.ts";
import { LiveConfig } from "./config/live-config.ts";
import { fitProcess, processFacts } from "./config/process-settings.ts";
import { Mta } from "./engine/mta.ts";
import { kindOfSockets } from "./net/socket-batch.ts";
import { type Options, parseOptions, usage } from "./options.ts";
import { compileConfig, diskBehind } from "./engine/script-config.ts";
import { spamhausHost } from "./spamhaus/script-functions.ts";
import { Spamhaus } from "./spamhaus/spamhaus.ts";
import { version } from "./version.ts";

/** Entries of a queue that are a few megabytes of memory. */
const LONG_QUEUE = 10_000;

process.exitCode = await main();

async function main(): Promise<number> {
  const options = readOptions();
  if (options === null) return exitCodes.badConfig;
  switch (options.mode) {
    case "help":
      process.stdout.write(usage);
      return exitCodes.ok;
    case "version":
      process.stdout.write(`smtpd ${version}\n`);
      return exitCodes.ok;
    case "check":
      return check(options);
    case "run":
      return run(options);
  }
}

function readOptions(): Options | null {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`smtpd: ${describe(error)}\n${usage}`);
    return null;
  }
}

async function openConfig(options: Options, log: Log): Promise<LiveConfig | null> {
  try {
    const places = { startupPath: options.configPath, pushedFolder: options.pushedFolder };
    const config = await LiveConfig.open(places, log);
    if (config instanceof LiveConfig) return config;
    complain(config);
  } catch (error) {
    process.stderr.write(`smtpd: ${describe(error)}\n`);
  }
  return null;
}

/** Scripts are compiled as far as that goes without plugins, whose functions nobody knows before they are loaded. */
async function check(options: Options): Promise<number> {
  const log = makeLog({ level: "error", program: "smtpd" });
  const config = await openConfig(options, log);
  if (config === null) return exitCodes.badConfig;
  const { app, startup } = config.current;
  if (startup.plugins.length > 0) return exitCodes.ok;
  try {
    const pluginHosts = [spamhausHost(new Spamhaus({ clock: systemClock, log }))];
    await compileConfig(app, { pluginHosts, ...diskBehind(startup) });
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof ConfigFailure) complain(config.named(error.problems));
    else process.stderr.write(`smtpd: ${describe(error)}\n`);
    return exitCodes.badConfig;
  }
}

function complain(problems: readonly Problem[]): void {
  for (const { file, path, reason } of problems) process.stderr.write(`smtpd: ${file}: ${path}: ${reason}\n`);
}

async function run(options: Options): Promise<number> {
  const config = await openConfig(options, makeLog({ level: "info", program: "smtpd" }));
  if (config === null) return exitCodes.badConfig;
  const log = makeLog({ level: config.current.startup.environment.loglevel, program: "smtpd" });
  try {
    const { current } = config;
    const unmet = [
      ...fitProcess(current.startup.environment, processFacts()),
      ...idleKeysOf(current),
      ...(await unreadBeside(options.configPath)),
    ];
    if (unmet.length > 0) log.warn({ unmet }, "configuration-unmet");
    const mta = await Mta.start({
      config,
      log,
      clock: calmClock(systemClock),
      random: systemRandom,
      systemHostname: hostname(),
      identity: options.identity,
    });
    log.info({ version, revision: config.revision, sockets: kindOfSockets() }, "started");
    // With a long queue it would take seconds, in which mail waits, and what it gives back is little beside the queue.
    if (mta.queue.figures().total < LONG_QUEUE) collectGarbage();
    return await untilStopped(mta, log);
  } catch (error) {
    process.stderr.write(`smtpd: ${describe(error)}\n`);
    return exitCodeOf(error);
  }
}

/** SIGHUP reloads; SIGTERM and SIGINT end in order, a second one at once. */
async function untilStopped(mta: Mta, log: Log): Promise<number> {
  process.on("SIGHUP", () => void reload(mta, log));
  const signal = await new Promise<string>((resolve) => {
    for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => resolve(name));
  });
  log.info({ signal }, "stopping");
  for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => process.exit(exitCodes.crash));
  mta.state = "Stopping";
  await mta.shutdown.run();
  log.info("stopped");
  return exitCodes.ok;
}

async function reload(mta: Mta, log: Log): Promise<void> {
  const result = await mta.options.config
    .reload()
    .catch((error: unknown) => ({ ok: false as const, problems: [describe(error)] }));
  if (result.ok) log.info({ revision: result.revision }, "configuration-reloaded");
  else log.error({ problems: result.problems }, "configuration-refused");
}

function exitCodeOf(error: unknown): number {
  if (!(error instanceof Failure)) return exitCodes.crash;
  if (error.code.startsWith("spool-")) return exitCodes.spool;
  if (error.code.startsWith("plugin-")) return exitCodes.badConfig;
  return ["certificate-unusable", "process-unfit", "script-broken"].includes(error.code)
    ? exitCodes.badConfig
    : exitCodes.environment;
}
