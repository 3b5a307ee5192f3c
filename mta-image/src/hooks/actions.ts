/**
 * What scripts of each hook may do, as host functions: actions leave their decision in the HookRun and end the script, so
 * nothing behind them runs and no catch sees them. Names, arguments and defaults are those of docs/hooks.md. A hook has
 * its own actions only: calling another's does not compile.
 */
import { type HostClass, type HostFunction, declare, optional, parameter } from "../script/host.ts";
import type { RunContext } from "../script/context.ts";
import { Refusal } from "../script/error.ts";
import { makeMessageClass } from "../script/library/mail-message.ts";
import { type Value, HslArray } from "../script/value.ts";
import { type Action, type ActionKind, type HookRun, hookRun } from "./hook-run.ts";
import type { HookName } from "./stages.ts";

interface HookHost {
  readonly functions: readonly HostFunction[];
  readonly classes: readonly HostClass[];
  readonly variables: readonly string[];
}

/** Public scripts begin with `$options = ""`, and hand it on where they found none. */
const options = optional(
  parameter.of<HslArray>("options", "array", (value) =>
    value instanceof HslArray ? value : value === "" ? new HslArray() : undefined,
  ),
);
const reason = optional(
  parameter.of<Value>("reason", "string or array", (value) =>
    typeof value === "string" || value instanceof HslArray
      ? value
      : typeof value === "number"
        ? String(value)
        : undefined,
  ),
);

function decide(context: RunContext, action: Action): null {
  hookRun(context).action = action;
  return null;
}

/** Ends with options alone. */
function plain(name: string, kind: ActionKind, docs: string): HostFunction {
  return declare({
    name,
    parameters: [options],
    returns: "none",
    docs,
    keeps: true,
    ends: true,
    run: (context, given) =>
      decide(context, { kind, reason: given?.get("reason") ?? null, options: given ?? null }),
  });
}

/** Ends with something to say. An array with text keys in the first place is options, as older scripts have it. */
function saying(name: string, kind: ActionKind, docs: string): HostFunction {
  return declare({
    name,
    parameters: [reason, options],
    returns: "none",
    docs,
    keeps: true,
    ends: true,
    run: (context, first, second) => {
      const isOptions = first instanceof HslArray && !first.isList();
      const given = isOptions ? first : (second ?? null);
      const said = isOptions ? first.get("reason") : (first ?? null);
      return decide(context, { kind, reason: said, options: given });
    },
  });
}

/** Changes what an Accept, or the end of the script, lets through. */
function setter(name: string, change: string, docs: string): HostFunction {
  return declare({
    name,
    parameters: [parameter.any(change)],
    returns: "boolean",
    docs,
    keeps: true,
    run: (context, value) => {
      hookRun(context).change(change, value);
      return true;
    },
  });
}

const done = declare({
  name: "Done",
  parameters: [],
  returns: "none",
  docs: "Ends the script; the engine does what it does without one.",
  ends: true,
  run: () => null,
});
const accept = saying("Accept", "accept", "Takes it, perhaps changed by the options.");
const reject = saying("Reject", "reject", "Refuses it for good.");
const defer = saying("Defer", "defer", "Refuses it for now.");
const disconnect = saying("Disconnect", "disconnect", "Says 421 and closes the connection.");
const judging = [accept, reject, defer, disconnect, done];

/** JSON of it is kept with the message. */
const MAX_METADATA = 65_536;

const metadata = [
  declare({
    name: "GetMetaData",
    parameters: [],
    returns: "any",
    docs: "What queue() or SetMetaData() kept with the message.",
    run: (context) => hookRun(context).metadata,
  }),
  declare({
    name: "SetMetaData",
    parameters: [parameter.array("metadata")],
    returns: "none",
    docs: "Keeps an array of texts with the message.",
    keeps: true,
    run: (context, data) => {
      checkMetadata(data);
      const run: HookRun = hookRun(context);
      run.metadata = data;
      return null;
    },
  }),
];

/** Texts by text, of a bounded size. Throws a Refusal. */
export function checkMetadata(data: HslArray): void {
  let size = 0;
  for (const [key, value] of data.entries()) {
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean")
      throw new Refusal("metadata is an array of texts, numbers and booleans");
    size += String(key).length + String(value).length;
  }
  if (size > MAX_METADATA) throw new Refusal("metadata is at most 64 KiB");
}

/** What eod scripts get as `$arguments["mail"]`. */
export const eodMailMessageClass: HostClass = makeMessageClass(
  "EODMailMessage",
  "The message that has just come; queue() decides what becomes of it.",
  [],
);

const functions: Readonly<Record<HookName, readonly HostFunction[]>> = {
  connect: [...judging, setter("SetSenderIP", "remoteip", "Another address for the client.")],
  proxy: [
    plain("Pass", "pass", "Hands the command on, or the one in the option `command`."),
    saying("Reply", "reply", "Answers the command, with 250 unless told otherwise."),
    reject,
    defer,
    disconnect,
    done,
  ],
  helo: [...judging, setter("SetHELO", "host", "Another name for the client.")],
  auth: [...judging, saying("Reply", "reply", "Asks on with 334; the text is sent in base64.")],
  mailfrom: [...judging, setter("SetSender", "sender", "Another sender.")],
  rcptto: [...judging, setter("SetRecipient", "recipient", "Another recipient.")],
  eod: judging,
  disconnect: [plain("Pass", "pass", "Ends the script."), done],
  predelivery: [
    plain("Try", "try", "Delivers, in the way of the options."),
    plain("Queue", "queue", "Waits for another try."),
    plain("Bounce", "bounce", "Gives up and tells the sender."),
    plain("Delete", "delete", "Gives up and tells nobody."),
    ...metadata,
    done,
  ],
  postdelivery: [
    plain("Queue", "queue", "Waits for another try."),
    plain("Bounce", "bounce", "Gives up and tells the sender."),
    plain("Delete", "delete", "Gives up and tells nobody."),
    plain("Default", "default", "Does what the engine does without a script."),
    ...metadata,
    done,
  ],
};

const sessionVariables = ["arguments", "connection", "transaction", "context"];
const queueVariables = ["arguments", "message", "context"];

export function actionsOf(hook: HookName): HookHost {
  const isQueue = hook === "predelivery" || hook === "postdelivery";
  return {
    functions: functions[hook],
    classes: hook === "eod" ? [eodMailMessageClass] : [],
    variables: isQueue ? queueVariables : sessionVariables,
  };
}
