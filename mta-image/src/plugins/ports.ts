/**
 * What plugins may ask of the engine; the queue and the intake implement it, `main` hands it in. The native side has
 * checked every order and promised its outcome to the plugin before it arrives here, so an implementation must carry
 * it out: there is nobody left to refuse to. Orders arrive in the sequence in which a plugin's thread gave them, on
 * the main thread, soon after. None of these may throw.
 */

/** null matches anything; a text that starts with @ names a list. */
export interface Match {
  readonly transportid: string | null;
  readonly localip: string | null;
  readonly remoteip: string | null;
  readonly remotemx: string | null;
  readonly recipientdomain: string | null;
  readonly jobid: string | null;
  readonly grouping: string | null;
  readonly tenantid: string | null;
}
export type MatchField = keyof Match;

export interface Suspension {
  readonly id: string;
  /** Whose order it is, "" when the caller's code could not be told. */
  readonly plugin: string;
  readonly match: Match;
  readonly tag: string | null;
  readonly properties: ReadonlyMap<string, string>;
  /** 0: no end. The same holds for policies. */
  readonly ttlSeconds: number;
}

export interface PolicyLimits {
  /** 0: not bounded. */
  readonly concurrency: number;
  /** Tokens per interval; 0: not bounded. */
  readonly tokens: number;
  readonly intervalSeconds: number;
  readonly algorithm: "default" | "fixedwindow" | "tokenbucket";
  readonly connectIntervalSeconds: number;
  readonly tag: string | null;
  readonly properties: ReadonlyMap<string, string>;
  /** Later policies are not looked at. */
  readonly stop: boolean;
  /** The limits are shared by the cluster. */
  readonly cluster: boolean;
  readonly ttlSeconds: number;
}

export interface Policy {
  readonly id: string;
  readonly plugin: string;
  readonly type: "dynamic" | "warmup" | "backoff";
  /** Each distinct combination of these is counted by itself. */
  readonly fields: readonly MatchField[];
  readonly match: Match;
  readonly limits: PolicyLimits;
}

export type ListChange =
  | { readonly kind: "add"; readonly field: MatchField; readonly list: string }
  | {
      readonly kind: "add-item" | "delete-item";
      readonly field: MatchField;
      readonly list: string;
      readonly item: string;
    }
  /** Changes of lists count from here on; null means all. */
  | { readonly kind: "reload"; readonly field: MatchField | null; readonly list: string | null };

export interface QueuePort {
  /** Replaces a suspension with the same id. Stops pick-up, not what is in flight. */
  suspend(suspension: Suspension): void;
  unsuspend(id: string): void;
  /** Replaces a policy with the same id. */
  addPolicy(policy: Policy): void;
  /** Changes only the limits that are given; counts so far are kept. */
  updatePolicy(id: string, limits: Partial<PolicyLimits>): void;
  deletePolicy(id: string): void;
  /** From now on the limits of policies with `cluster` are divided by this, in place of an earlier divisor. */
  divideLimits(by: number): void;
  changeList(change: ListChange): void;
}

export interface Address {
  readonly localpart: string;
  readonly domain: string | null;
}

export interface InjectedMail {
  readonly plugin: string;
  readonly serverId: string;
  /** null: the end-of-data script of the server says who. */
  readonly sender: Address | null;
  readonly recipients: readonly Address[];
  /** A script value, as `values.ts` reads it. */
  readonly metadata: unknown;
  readonly message: Buffer;
}

export interface InjectPort {
  /** Runs the mail through the server's end-of-data hook and the intake; gives the SMTP code. */
  inject(mail: InjectedMail): Promise<number>;
}
