/**
 * A plugin host for tests, over the real addon and the plugins in native/test/plugins, which are built first when
 * they are not current. One host a process: a test file makes one and shares it among its tests.
 */
import { join } from "node:path";

import type { Log } from "#base/log.ts";
import { PluginHost } from "#mta/plugins/host.ts";
import { loadNative } from "#mta/plugins/native.ts";
import type {
  InjectPort,
  InjectedMail,
  ListChange,
  Policy,
  PolicyLimits,
  QueuePort,
  Suspension,
} from "#mta/plugins/ports.ts";

import { makeNative, nativeOut } from "./native-build.ts";

export const addonPath = join(nativeOut, "plugin-host.node");

export function buildNative(): void {
  makeNative("all", "test-plugins");
}

export function testPlugin(name: string): string {
  return join(nativeOut, "test", `${name}.so`);
}

/** Remembers the orders as short lines. */
export class FakeQueue implements QueuePort {
  readonly orders: string[] = [];
  readonly suspensions: Suspension[] = [];
  readonly policies: Policy[] = [];

  suspend(suspension: Suspension): void {
    this.suspensions.push(suspension);
    this.orders.push("suspend");
  }
  unsuspend(id: string): void {
    this.orders.push(`unsuspend ${id === this.suspensions[0]?.id ? "first" : id}`);
  }
  addPolicy(policy: Policy): void {
    this.policies.push(policy);
    this.orders.push(`policy ${policy.type} ${policy.fields.join("+")}`);
  }
  updatePolicy(id: string, limits: Partial<PolicyLimits>): void {
    this.orders.push(`update ${id === this.policies[0]?.id ? "first" : id} ${Object.keys(limits).length}`);
  }
  deletePolicy(id: string): void {
    this.orders.push(`delete ${id === this.policies[0]?.id ? "first" : id}`);
  }
  divideLimits(by: number): void {
    this.orders.push(`divide ${by}`);
  }
  changeList(change: ListChange): void {
    const item = "item" in change ? ` ${change.item}` : "";
    this.orders.push(`list ${change.kind} ${change.field} ${change.list}${item}`);
  }
}

export class FakeIntake implements InjectPort {
  readonly mails: InjectedMail[] = [];
  code = 250;

  inject(mail: InjectedMail): Promise<number> {
    this.mails.push(mail);
    return Promise.resolve(this.code);
  }
}

/** Keeps the lines that plugins' misdeeds cause: "event code text". */
export class FakeLog {
  readonly lines: string[] = [];

  readonly log = {
    info: () => {},
    warn: (fields: Record<string, unknown>, event: string) => {
      this.lines.push([event, fields["plugin"], fields["reason"]].join(" "));
    },
    error: (fields: Record<string, unknown>, event: string) => {
      this.lines.push([event, fields["plugin"], fields["code"], fields["text"] ?? fields["err"]].join(" "));
    },
  } as unknown as Log;
}

export interface TestHost {
  readonly host: PluginHost;
  readonly queue: FakeQueue;
  readonly intake: FakeIntake;
  readonly lines: readonly string[];
}

export function makeTestHost(options: { blockedMs?: number } = {}): TestHost {
  buildNative();
  const queue = new FakeQueue();
  const intake = new FakeIntake();
  const { log, lines } = new FakeLog();
  const host = new PluginHost({
    native: loadNative(addonPath),
    log,
    queue,
    inject: intake,
    blockedMs: options.blockedMs ?? 5000,
    program: "smtpd",
    servers: [{ id: "inside", maxSizeBytes: 1000 }],
  });
  return { host, queue, intake, lines };
}

/** Loads and starts test plugins by name, each with its configuration. */
export async function startPlugins(
  { host }: TestHost,
  plugins: Readonly<Record<string, { config?: unknown; appConfig?: unknown }>>,
): Promise<void> {
  await host.load(
    Object.entries(plugins).map(([id, { config, appConfig }]) => ({
      id,
      path: testPlugin(id),
      config: config ?? null,
      appConfig: appConfig ?? null,
    })),
  );
  host.earlyInit();
  host.init();
  host.ready();
}

/** The function that a plugin registered globally. */
export function functionOf({ host }: TestHost, plugin: string, name: string) {
  const found = host.registrations.get(plugin)?.find((entry) => entry.name === name && !entry.module);
  if (found === undefined) throw new Error(`${plugin} has not registered ${name}`);
  return found.call;
}
