/** Names that stand for one thing in a list (pure): of two with the same name one would be passed over, or both would write into one place. */
import type { Problem } from "./admin-api.ts";
import type { AppConfig } from "./app-config.ts";
import { appFile } from "./file-names.ts";

export function duplicates(file: string, path: string, items: readonly { readonly id: string }[]): Problem[] {
  const ids = items.map(({ id }) => id);
  const twice = new Set(ids.filter((id, i) => ids.indexOf(id) !== i));
  return [...twice].map((id) => ({ file, path, reason: `"${id}" is there more than once` }));
}

/** Of smtpd-app.yaml. */
export function appDuplicates(app: AppConfig): Problem[] {
  const { events, scripting, authentication, queues } = app;
  const { predelivery: _, postdelivery: __, ...hooks } = scripting.hooks;
  const lists: Readonly<Record<string, readonly { readonly id: string }[]>> = {
    servers: app.servers,
    transportgroups: app.transportgroups,
    transports: app.transportgroups.flatMap(({ transports }) => transports),
    addresses: app.addresses,
    plugins: app.plugins,
    "queues.grouping.groupings": queues.grouping.groupings,
    "authentication.keys": authentication?.keys ?? [],
    "events.files": events.files.map(({ path }) => ({ id: path })),
    "events.webhooks": events.webhooks,
    "scripting.files": scripting.files,
    "scripting.ldap": scripting.ldap,
    ...Object.fromEntries(Object.entries(hooks).map(([hook, list]) => [`scripting.hooks.${hook}`, list])),
  };
  return Object.entries(lists).flatMap(([path, items]) => duplicates(appFile, path, items));
}
