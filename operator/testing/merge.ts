/**
 * How the fake API server merges (pure): JSON merge patch (RFC 7396), and server-side apply simplified to one
 * manager whose previous intent is known: what it sent before and no longer sends disappears, lists are values.
 */

type Json = Record<string, unknown>;

export function mergePatch(target: Json, patch: Json): Json {
  const result: Json = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else if (isMap(value)) result[key] = mergePatch(isMap(result[key]) ? result[key] : {}, value);
    else result[key] = structuredClone(value);
  }
  return result;
}

export function mergeApplied(stored: Json, previous: Json, intent: Json): Json {
  return overlay(withoutDropped(stored, previous, intent), intent);
}

/** `stored` without what `previous` set and `intent` no longer mentions. */
function withoutDropped(stored: Json, previous: Json, intent: Json): Json {
  const result: Json = structuredClone(stored);
  for (const [key, before] of Object.entries(previous)) {
    const now = result[key];
    const wanted = intent[key];
    if (isMap(before) && isMap(now)) {
      result[key] = withoutDropped(now, before, isMap(wanted) ? wanted : {});
      if (wanted === undefined && Object.keys(result[key] as Json).length === 0) delete result[key];
    } else if (!(key in intent)) delete result[key];
  }
  return result;
}

function overlay(target: Json, intent: Json): Json {
  const result: Json = { ...target };
  for (const [key, value] of Object.entries(intent)) {
    const now = result[key];
    result[key] = isMap(value) ? overlay(isMap(now) ? now : {}, value) : structuredClone(value);
  }
  return result;
}

function isMap(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
