/**
 * What a script says of notices with queue() (its option `dsn`), as the envelope carries it. Null for what RFC 3461 does not
 * have. Pure.
 */
import type { NoticeWishes, RecipientWishes } from "../message/notice-wishes.ts";
import { parseMailParameters, parseRcptParameters } from "../smtp/parameters.ts";
import { encodeXtext } from "../smtp/xtext.ts";
import type { QueueOptions } from "../script/mail-port.ts";

export type AskedNotices = Pick<NoticeWishes, "ret" | "envid"> & { readonly wishes: RecipientWishes | null };

export function askedNotices({
  ret,
  envid,
  notify,
  orcpt,
}: NonNullable<QueueOptions["dsn"]>): AskedNotices | null {
  const mail = parseMailParameters(parameters({ RET: ret, ENVID: encodeXtext(envid) }));
  const wishes = parseRcptParameters(parameters({ NOTIFY: notify, ORCPT: encoded(orcpt) }));
  if ("bytes" in mail || "bytes" in wishes) return null;
  const isSaid = wishes.notify !== null || wishes.orcpt !== null;
  return { ret: mail.ret, envid: mail.envid, wishes: isSaid ? wishes : null };
}

/** A space within a value would begin another parameter: it is one that nobody knows. */
function parameters(values: Readonly<Record<string, string>>): string {
  const said = Object.entries(values).filter(([, value]) => value !== "");
  return said.map(([name, value]) => ` ${name}=${value}`).join("");
}

/** Scripts have the address decoded; that of the type utf-8 has no xtext (RFC 6533 3). */
function encoded(orcpt: string): string {
  const at = orcpt.indexOf(";") + 1;
  const type = orcpt.slice(0, at);
  return type.toLowerCase() === "utf-8;" ? orcpt : `${type}${encodeXtext(orcpt.slice(at))}`;
}
