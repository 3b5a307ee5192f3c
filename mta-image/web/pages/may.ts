/** What somebody may do (pure): the pages offer no more than that; the server judges by itself. */
import type { Role, SessionView } from "#web/shared/web-api.ts";

const order: readonly Role[] = ["viewer", "operator", "admin"];

export function may(session: Pick<SessionView, "role">, role: Role): boolean {
  return order.indexOf(session.role) >= order.indexOf(role);
}
