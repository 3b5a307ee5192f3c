/** The queue's doorkeeper (queue/doorkeeper.ts) over the hooks of native plugins. Without plugins all doors are open. */
import type { PluginHost } from "../plugins/host.ts";
import type { NativeMessage } from "../plugins/native.ts";
import type { Caller, Doorkeeper } from "../queue/doorkeeper.ts";

/** `host` is asked each time, since plugins are loaded after the queue is made. */
export function makeDoorkeeper(host: () => PluginHost | null): Doorkeeper {
  return {
    isAsked: (door) => host()?.hooks.has(door) ?? false,
    ask: (door, caller) => {
      const { localIps } = caller;
      const answer = host()?.hooks.ask(door, nativeMessage(caller), localIps);
      if (answer === undefined) return { kind: "accepted", localIps };
      return answer.kind === "accepted" ? answer : { kind: "refused", by: answer.plugin, value: answer.ret };
    },
  };
}

/**
 * A recipient as plugins see it: a message of its own, numbered from one among those of its transaction, which may have made
 * several messages. The ids are those that scripts see (delivery/hooked-courier.ts).
 */
export function nativeMessage({ message, recipient, facts }: Omit<Caller, "localIps">): NativeMessage {
  const { transaction, first } = message.envelope.marks ?? { transaction: message.id, first: 1 };
  return { ...facts, transactionid: transaction, queueid: first + recipient };
}
