/**
 * Mail that plugins inject for a server of type plugin (injection.ts says how it goes on). The code that goes back is
 * an SMTP code, 250 only after the message is on disk; plugins keep what got another one. Never rejects.
 */
import { isAscii } from "node:buffer";

import type { Log } from "#base/log.ts";

import { type InjectionOptions, beginInjection } from "./injection.ts";
import { Crlf } from "../smtp/crlf.ts";
import type { InjectPort } from "../plugins/ports.ts";

export function makeInjectPort(options: InjectionOptions & { readonly log: Log }): InjectPort {
  return {
    inject: async ({ plugin, serverId, sender, recipients, message }) => {
      const reception = beginInjection(options, {
        serverId,
        sender,
        recipients,
        isEightBit: !isAscii(message),
        origin: { remoteIp: "", remotePort: 0, helo: `plugin.${plugin}` },
      });
      if (typeof reception === "number") {
        if (reception !== 421)
          options.log.warn({ plugin, server: serverId, code: reception }, "injection-refused");
        return reception;
      }
      // Plugins read their mail from files and queues, with whatever line ends.
      const crlf = new Crlf();
      await reception.write(crlf.push(message));
      await reception.write(crlf.end());
      const result = await reception.commit();
      return result.kind === "accepted" ? 250 : result.reply.code;
    },
  };
}
