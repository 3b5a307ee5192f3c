/** The scripts inside smtpd-app.yaml, each by itself: taken out for people to read, and put back where they were changed (pure). */
type Json = Readonly<Record<string, unknown>>;

/** By "hook/id", "predelivery", "postdelivery" or "files/id". What is no script by its shape is left out. */
export function scriptsOf(app: unknown): Readonly<Record<string, string>> {
  const { hooks, files } = partsOf(app);
  const named = Object.entries(hooks).flatMap(([hook, scripts]) =>
    typeof scripts === "string" ? [[hook, scripts] as const] : textsIn(hook, scripts),
  );
  return Object.fromEntries([...named, ...textsIn("files", files)]);
}

/** Names that are not there change nothing. The rest of the value is shared with what was given. */
export function withScripts(app: unknown, texts: Readonly<Record<string, string>>): unknown {
  if (!isObject(app) || !isObject(app["scripting"]) || Object.keys(texts).length === 0) return app;
  const { hooks, files } = partsOf(app);
  const changed = Object.entries(hooks).map(([hook, scripts]) => [
    hook,
    typeof scripts === "string" ? (texts[hook] ?? scripts) : replaced(hook, scripts, texts),
  ]);
  const scripting = {
    ...app["scripting"],
    ...(changed.length === 0 ? {} : { hooks: Object.fromEntries(changed) as Json }),
    ...(Array.isArray(files) ? { files: replaced("files", files, texts) } : {}),
  };
  return { ...app, scripting };
}

function replaced(kind: string, items: unknown, texts: Readonly<Record<string, string>>): unknown {
  if (!Array.isArray(items)) return items;
  return items.map((item: unknown) => {
    if (!isText(item)) return item;
    const text = texts[`${kind}/${item.id}`];
    return text === undefined ? item : { ...item, data: text };
  });
}

function textsIn(kind: string, items: unknown): (readonly [string, string])[] {
  if (!Array.isArray(items)) return [];
  return items.filter(isText).map(({ id, data }) => [`${kind}/${id}`, data] as const);
}

function partsOf(app: unknown): { readonly hooks: Json; readonly files: unknown } {
  const scripting = isObject(app) ? app["scripting"] : undefined;
  if (!isObject(scripting)) return { hooks: {}, files: undefined };
  const { hooks, files } = scripting;
  return { hooks: isObject(hooks) ? hooks : {}, files };
}

/** Base64 is nothing to read. */
function isText(item: unknown): item is { readonly id: string; readonly data: string } {
  return (
    isObject(item) &&
    typeof item["id"] === "string" &&
    typeof item["data"] === "string" &&
    item["binary"] !== true
  );
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
