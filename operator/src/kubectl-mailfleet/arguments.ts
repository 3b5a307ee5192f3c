/**
 * The command line to one value (pure). What cannot be understood comes back as a sentence, and nothing is done then.
 * Flags of kubectl that say where (namespace, context, kubeconfig) are handed on to it.
 */
import { parseArgs } from "node:util";

export const usage = `kubectl mailfleet: look at clusters of mail servers and steer them

  kubectl mailfleet status [NAME]            one screen: what is, what is about to happen, and why not yet
  kubectl mailfleet queue NAME [--domain D] [--limit N]
                                             what waits, pod by pod, as the engines say
  kubectl mailfleet drain NAME SLOT...       these slots hand over and leave: the cluster shrinks by as many
  kubectl mailfleet fence NAME SLOT... [--all]
                                             these take no mail and try none, and are left as they are
  kubectl mailfleet unfence NAME SLOT... [--all]
  kubectl mailfleet scale NAME N             so many pods
  kubectl mailfleet pause NAME [--all]       the roll-out stays where it is; with --all nothing is changed at all
  kubectl mailfleet resume NAME              takes both back
  kubectl mailfleet promote NAME             the revision that is tried out goes to all pods now
  kubectl mailfleet rollback NAME            it goes back to the last good one
  kubectl mailfleet restart NAME             every pod is made anew, one at a time
  kubectl mailfleet hibernate NAME           all pods leave; mail that is not due stays in its volume
  kubectl mailfleet wake NAME                they come back
  kubectl mailfleet send NAME --from A --to B [--subject T] [--port P]
                                             a test mail through one of the pods
  kubectl mailfleet report NAME [-o FILE]    a bundle for support, without secrets and addresses

  -n, --namespace N    --context C    --kubeconfig F    as for kubectl
  --operator-namespace N   where the operator runs, for report (mailfleet-system)
`;

export type Command =
  | { readonly kind: "help" }
  | { readonly kind: "wrong"; readonly message: string }
  | { readonly kind: "list" }
  | { readonly kind: "status"; readonly name: string }
  | { readonly kind: "queue"; readonly name: string; readonly domain: string | null; readonly limit: number }
  | { readonly kind: "drain"; readonly name: string; readonly slots: readonly number[] }
  | {
      readonly kind: "fence" | "unfence";
      readonly name: string;
      /** Null: all. */
      readonly slots: readonly number[] | null;
    }
  | { readonly kind: "scale"; readonly name: string; readonly replicas: number }
  | { readonly kind: "annotate"; readonly name: string; readonly what: Steering }
  | {
      readonly kind: "send";
      readonly name: string;
      readonly from: string;
      readonly to: string;
      readonly subject: string;
      readonly port: number;
    }
  | {
      readonly kind: "report";
      readonly name: string;
      readonly file: string | null;
      readonly operatorNamespace: string;
    };

const steerings = [
  "pause",
  "pause-all",
  "resume",
  "promote",
  "rollback",
  "restart",
  "hibernate",
  "wake",
] as const;
export type Steering = (typeof steerings)[number];

export interface Arguments {
  readonly command: Command;
  /** For kubectl, in front of everything. */
  readonly kubectlFlags: readonly string[];
}

const wrong = (message: string): Command => ({ kind: "wrong", message });

export function parseArguments(argv: readonly string[]): Arguments {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        namespace: { type: "string", short: "n" },
        context: { type: "string" },
        kubeconfig: { type: "string" },
        domain: { type: "string" },
        limit: { type: "string", default: "20" },
        from: { type: "string" },
        to: { type: "string" },
        subject: { type: "string", default: "A test of Mailfleet" },
        port: { type: "string", default: "25" },
        output: { type: "string", short: "o" },
        "operator-namespace": { type: "string", default: "mailfleet-system" },
        all: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    const kubectlFlags = (["namespace", "context", "kubeconfig"] as const).flatMap((flag) => {
      const value = values[flag];
      return value === undefined ? [] : [`--${flag}=${value}`];
    });
    return { command: values.help ? { kind: "help" } : commandOf(positionals, values), kubectlFlags };
  } catch (error) {
    return { command: wrong(error instanceof Error ? error.message : String(error)), kubectlFlags: [] };
  }
}

interface Values {
  readonly domain?: string | undefined;
  readonly limit: string;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly subject: string;
  readonly port: string;
  readonly output?: string | undefined;
  readonly "operator-namespace": string;
  readonly all: boolean;
}

function commandOf([word, name, ...rest]: readonly string[], values: Values): Command {
  if (word === undefined) return { kind: "help" };
  if (word === "status" && name === undefined) return { kind: "list" };
  if (name === undefined) return wrong(`${word}: the name of a MailCluster is missing`);
  if (!/^[a-z][-a-z0-9]{0,39}$/.test(name)) return wrong(`"${name}" is no name of a MailCluster`);
  const steering = steerings.find((each) => each === word && each !== "pause-all");
  if (steering !== undefined)
    return { kind: "annotate", name, what: steering === "pause" && values.all ? "pause-all" : steering };
  return furtherCommand(word, name, rest, values);
}

function furtherCommand(word: string, name: string, rest: readonly string[], values: Values): Command {
  switch (word) {
    case "status":
      return { kind: "status", name };
    case "queue": {
      const limit = numberIn(values.limit, 1, 1000);
      return limit === null
        ? wrong("--limit takes a number from 1 to 1000")
        : { kind: "queue", name, domain: values.domain ?? null, limit };
    }
    case "drain": {
      const slots = slotsIn(rest);
      return slots === null
        ? wrong("drain needs the numbers of slots, e.g. 2 5")
        : { kind: "drain", name, slots };
    }
    case "fence":
    case "unfence": {
      const slots = slotsIn(rest);
      return (slots === null) === values.all
        ? { kind: word, name, slots }
        : wrong(`${word} needs either the numbers of slots, e.g. 2 5, or --all`);
    }
    case "scale": {
      const replicas = numberIn(rest[0] ?? "", 0, 500);
      return replicas === null
        ? wrong("scale needs a number from 0 to 500")
        : { kind: "scale", name, replicas };
    }
    case "send":
      return sendCommand(name, values);
    case "report":
      return {
        kind: "report",
        name,
        file: values.output ?? null,
        operatorNamespace: values["operator-namespace"],
      };
    default:
      return wrong(`there is no command "${word}"`);
  }
}

/** Null: none are named, or not all of it is numbers. */
function slotsIn(texts: readonly string[]): readonly number[] | null {
  const slots = texts.map((text) => numberIn(text, 0, 999_999));
  return slots.length === 0 || slots.includes(null) ? null : slots.filter((slot) => slot !== null);
}

function sendCommand(name: string, { from, to, subject, port: text }: Values): Command {
  const port = numberIn(text, 1, 65_535);
  if (port === null) return wrong("--port takes a number from 1 to 65535");
  if (from === undefined || to === undefined || !isAddress(from) || !isAddress(to))
    return wrong("send needs --from and --to with an address each");
  // It becomes a header as it is.
  if (!/^[\x20-\x7e]{0,200}$/.test(subject)) return wrong("--subject takes one line of ASCII");
  return { kind: "send", name, from, to, subject, port };
}

function isAddress(text: string): boolean {
  return /^[\x21-\x7e]{1,64}@[\x21-\x7e]{1,255}$/.test(text) && !/[<>\s]/.test(text);
}

function numberIn(text: string, least: number, most: number): number | null {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : null;
}
