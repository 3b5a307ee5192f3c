/** The commands of mtactl about the suppression list: words to a call of the admin API, its answer to lines (pure). */
import { Changed } from "#contract/rules-api.ts";
import { SuppressionPage } from "#contract/suppression-api.ts";

import type { Call } from "./mtactl-rules.ts";

export const suppressionUsage = `  mtactl suppression list [tenant=T] [address=A] [limit=N] [after=NEXT]
  mtactl suppression add|delete ADDRESS ... [tenant=T] [reason=R] [ttl=S]     (reason and ttl of add)
`;

/** Null for what is no such command. */
export function suppressionCall([first, order, ...words]: readonly string[]): Call | null {
  if (first !== "suppression" || order === undefined) return null;
  const options = Object.fromEntries(
    words.flatMap((word) => {
      const [, name, value] = /^([a-z]+)=(.*)$/s.exec(word) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value] as const];
    }),
  );
  if (order === "list") {
    return { method: "GET", path: `/v1/suppressions?${new URLSearchParams(options)}`, show: showPage };
  }
  const addresses = words.filter((word) => !/^[a-z]+=/.test(word));
  if (addresses.length === 0 || (order !== "add" && order !== "delete")) return null;
  const { ttl, ...texts } = options;
  const body = { ...texts, addresses, ...(ttl === undefined ? {} : { ttl: Number(ttl) }) };
  const path = order === "add" ? "/v1/suppressions" : "/v1/suppressions/delete";
  return { method: "POST", path, body, show: (answer) => `${Changed.parse(answer).changed} changed\n` };
}

function showPage(answer: unknown): string {
  const { entries, next } = SuppressionPage.parse(answer);
  const lines = entries.map(
    ({ tenant, address, reason, source, since, until }) =>
      `${tenant === "" ? "-" : tenant}  ${address}  ${source}: ${reason}  since ${since}${until === null ? "" : `  until ${until}`}\n`,
  );
  return lines.join("") + (next === null ? "" : `more: after='${next}'\n`);
}
