/**
 * Configuration files to one value, or to every problem at once. Pure: the engine reads files and the operator
 * renders them, both check them here, so what the operator pushes the engine takes. Never throws.
 */
import { isIP } from "node:net";
import { load } from "js-yaml";
import type { z } from "zod";

import type { Problem } from "./admin-api.ts";
import { AppConfig } from "./app-config.ts";
import { checkAuthentication } from "./authentication-config.ts";
import { replyClasses } from "./bounces-config.ts";
import { appFile, policyFile, startupFile, suspendFile } from "./file-names.ts";
import { wayOut } from "./halon-keys.ts";
import { appDuplicates, duplicates } from "./names-once.ts";
import { PolicyConfig } from "./policy-config.ts";
import { checkListening, checkServer } from "./server-checks.ts";
import { StartupConfig } from "./startup-config.ts";
import { SuspendConfig } from "./suspend-config.ts";
import { settingsOf } from "./transport-config.ts";

export type { AppConfig } from "./app-config.ts";
export type { PolicyConfig } from "./policy-config.ts";
export type { StartupConfig } from "./startup-config.ts";
export type { SuspendConfig } from "./suspend-config.ts";

export { appFile, policyFile, startupFile, suspendFile };

export interface EngineConfig {
  readonly startup: StartupConfig;
  readonly app: AppConfig;
  readonly policy: PolicyConfig;
  readonly suspend: SuspendConfig;
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const MAX_FILE_CHARACTERS = 1_048_576;
/** More than a file of that size can hold without aliases. */
const MOST_VALUES = MAX_FILE_CHARACTERS;

/** Checks all files, each alone and against each other. Empty text stands for no policies and no suspensions. */
export function parseEngineConfig(files: {
  readonly startup: string;
  readonly app: string;
  readonly policy?: string;
  readonly suspend?: string;
}): Parsed<EngineConfig> {
  const startup = parseStartup(files.startup);
  const app = parseFile(appFile, files.app, AppConfig);
  const policy = parseFile(policyFile, files.policy || "{}", PolicyConfig);
  const suspend = parseFile(suspendFile, files.suspend || "{}", SuspendConfig);
  if (!startup.ok || !app.ok || !policy.ok || !suspend.ok)
    return { ok: false, problems: [startup, app, policy, suspend].flatMap(problemsOf) };
  const problems = [
    ...crossCheck(startup.value, app.value),
    ...checkClasses(app.value, policy.value),
    ...checkWarmUp(policy.value),
    ...duplicates(policyFile, "quotas", policy.value.quotas),
    ...duplicates(policyFile, "reactions", policy.value.reactions),
  ];
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    value: { startup: startup.value, app: app.value, policy: policy.value, suspend: suspend.value },
  };
}

/**
 * Who can say whether the scripts compile: nobody needs to ("none"), whoever has the files ("anybody"), or an engine alone, since
 * they may use functions of plugins or of C, or files on its disk.
 */
export function judgeOfScripts({ startup, app }: EngineConfig): "none" | "anybody" | "engine" {
  const { predelivery, postdelivery, ...named } = app.scripting.hooks;
  const isThere = predelivery !== undefined || postdelivery !== undefined;
  if (!isThere && Object.values(named).every((scripts) => scripts.length === 0)) return "none";
  const { ffi, rootpath } = startup.scripting;
  if (startup.plugins.length > 0 || ffi || rootpath !== undefined) return "engine";
  return app.scripting.files.every(({ data }) => data !== undefined) ? "anybody" : "engine";
}

/** smtpd.yaml alone: it says where the other file is. */
export function parseStartup(text: string): Parsed<StartupConfig> {
  const parsed = parseFile(startupFile, text, StartupConfig);
  if (!parsed.ok) return parsed;
  const { servers, pki, plugins } = parsed.value;
  const problems = [
    ...duplicates(startupFile, "servers", servers),
    ...duplicates(startupFile, "pki.private", pki.private),
    ...duplicates(startupFile, "plugins", plugins),
    ...servers.flatMap(checkListening),
  ];
  return problems.length > 0 ? { ok: false, problems } : parsed;
}

function parseFile<T extends z.ZodType>(file: string, text: string, schema: T): Parsed<z.infer<T>> {
  if (text.length > MAX_FILE_CHARACTERS) return failed(file, "", "is larger than 1 MiB");
  const yaml = parseYaml(text);
  if ("reason" in yaml) return failed(file, "", yaml.reason);
  if (typeof yaml.value !== "object" || yaml.value === null)
    return failed(file, "", "must hold keys, but is empty");
  const result = schema.safeParse(yaml.value);
  if (result.success) return { ok: true, value: deepFreeze(result.data) };
  return { ok: false, problems: result.error.issues.flatMap((issue) => toProblems(file, issue)) };
}

function parseYaml(text: string): { value: unknown } | { reason: string } {
  try {
    const value = load(text);
    return sizeOf(value) > MOST_VALUES ? { reason: "holds aliases that stand for too much" } : { value };
  } catch (error) {
    return {
      reason: `is not YAML: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`,
    };
  }
}

function toProblems(file: string, issue: z.core.$ZodIssue): Problem[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const path = pathOf([...issue.path, key]);
      return { file, path, reason: wayOut(file, path) ?? "unknown key; check its spelling and place" };
    });
  }
  return [{ file, path: pathOf(issue.path), reason: issue.message.replace(/^Invalid input: /, "") }];
}

function pathOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? String(part) : `${text}.${String(part)}`;
  }, "");
}

/** What one file says of the other, and of itself elsewhere. */
function crossCheck(startup: StartupConfig, app: AppConfig): Problem[] {
  const transports = app.transportgroups.flatMap((group) => group.transports);
  const ids = new Set(transports.map(({ id }) => id));
  return [
    ...appDuplicates(app),
    ...app.servers.flatMap((server, i) => checkServer(startup, server, { at: `servers[${i}]`, ids })),
    ...checkFeedback(app),
    ...checkAuthenticationPart(app),
    ...startup.servers
      .filter(({ id }) => !app.servers.some((server) => server.id === id))
      .map(({ id }) => problem("servers", `server "${id}" of ${startupFile} has no settings here`)),
    ...(app.tlsreports === undefined || ids.has(app.tlsreports.transport)
      ? []
      : [problem("tlsreports.transport", `there is no transport "${app.tlsreports.transport}"`)]),
    ...app.transportgroups.flatMap((group, i) =>
      checkGroup(app, group, { at: `transportgroups[${i}]`, ids }),
    ),
  ];
}

function problem(path: string, reason: string): Problem {
  return { file: appFile, path, reason };
}

interface Place {
  readonly at: string;
  /** Of transports. */
  readonly ids: ReadonlySet<string>;
}

function checkFeedback({ feedback }: AppConfig): Problem[] {
  const own = feedback?.returnpath?.domain;
  if (feedback === undefined || own === undefined || feedback.domains.includes(own)) return [];
  return [problem("feedback.returnpath.domain", "must be one of feedback.domains, so that reports are read")];
}

function checkAuthenticationPart({ authentication, servers }: AppConfig): Problem[] {
  if (authentication === undefined) return [];
  const wrong = checkAuthentication(authentication, new Set(servers.map(({ id }) => id)));
  return wrong.map(({ path, reason }) => problem(path, reason));
}

function checkGroup(
  app: AppConfig,
  group: AppConfig["transportgroups"][number],
  { at, ids }: Place,
): Problem[] {
  const problems: Problem[] = [];
  for (const { connection } of [group, ...group.transports])
    problems.push(...checkSources(app, at, connection?.sourceip));
  const settings = group.transports.map((transport) => settingsOf(group, transport));
  if (
    settings.some(({ session, connection }) => session.protocol === "lmtp" && connection.server === undefined)
  )
    problems.push(problem(at, "protocol lmtp needs a connection.server"));
  const asksForDane = settings.some(({ session }) => session.tls.mode.startsWith("dane"));
  if (app.resolver.validating.length === 0 && asksForDane)
    problems.push(problem(at, "tls.mode dane needs name servers in resolver.validating"));
  if ([group, ...group.transports].some(({ objectstore, plugin }) => objectstore && plugin))
    problems.push(problem(at, "mail goes to either an objectstore or a plugin"));
  const target = group.dsn?.transport;
  if (target !== undefined && !ids.has(target))
    problems.push(problem(`${at}.dsn.transport`, `there is no transport "${target}"`));
  return problems;
}

type SourceIp = NonNullable<AppConfig["transportgroups"][number]["connection"]>["sourceip"];

function checkSources(app: AppConfig, at: string, { ipv4 = [], ipv6 = [] }: SourceIp = {}): Problem[] {
  if (ipv4 === false && ipv6 === false)
    return [problem(at, "sourceip.ipv4 and sourceip.ipv6 are both false: no host could be reached")];
  const names = [ipv4, ipv6].flatMap((list) => (list === false ? [] : list));
  return names
    .filter((name) => isIP(name) === 0 && !app.addresses.some(({ id }) => id === name))
    .map((name) => problem(at, `there is no address "${name}"`));
}

/** A class that no reply can have would never count. */
function checkClasses({ bounces, suppression }: AppConfig, { reactions }: PolicyConfig): Problem[] {
  const known = new Set<string>([...replyClasses, ...bounces.rules.map((rule) => rule.class)]);
  const unknown = (file: string, path: string, names: readonly string[] = []): Problem[] =>
    names.flatMap((name, i) => {
      const reason = `there is no class "${name}", of replies or in bounces.rules`;
      return known.has(name) ? [] : [{ file, path: `${path}[${i}]`, reason }];
    });
  return [
    ...unknown(appFile, "suppression.classes", suppression?.classes),
    ...reactions.flatMap(({ when }, i) => unknown(policyFile, `reactions[${i}].when.class`, when.class)),
  ];
}

function checkWarmUp({ warmup }: PolicyConfig): Problem[] {
  if (warmup === undefined) return [];
  const classes = warmup.schedules.map((schedule) => ({ id: schedule.class }));
  const unknown = warmup.ips.flatMap((ip, i) => {
    if (classes.some(({ id }) => id === ip.class)) return [];
    const reason = `there is no schedule of class "${ip.class}"`;
    return [{ file: policyFile, path: `warmup.ips[${i}].class`, reason }];
  });
  return [
    ...unknown,
    ...duplicates(policyFile, "warmup.schedules", classes),
    ...duplicates(
      policyFile,
      "warmup.ips",
      warmup.ips.map(({ ip }) => ({ id: ip })),
    ),
  ];
}

function problemsOf(parsed: Parsed<unknown>): readonly Problem[] {
  return parsed.ok ? [] : parsed.problems;
}

function failed(file: string, path: string, reason: string): { ok: false; problems: Problem[] } {
  return { ok: false, problems: [{ file, path, reason }] };
}

/** Values within, with what an alias stands for counted each time; infinite for one that stands for itself. */
function sizeOf(value: unknown, known = new Map<object, number>()): number {
  if (typeof value !== "object" || value === null) return 1;
  const size = known.get(value);
  if (size !== undefined) return size;
  known.set(value, Number.POSITIVE_INFINITY);
  const sum = Object.values(value).reduce((total: number, item) => total + sizeOf(item, known), 1);
  known.set(value, sum);
  return sum;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
