/**
 * Data that a view asks for: once, and again every so often while the page is in view. What was there stays while a
 * later call fails, beside the reason, so that a broken moment never empties a page.
 */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

export interface Loaded<T> {
  readonly data: T | null;
  readonly error: string | null;
  readonly reload: () => Promise<void>;
}

export function useData<T>(load: () => Promise<T>, key: string, everyMs: number | null = null): Loaded<T> {
  const [data, setData] = useState<T | null>(null);
  const [error, setError] = useState<string | null>(null);
  const latest = useRef(key);
  const loader = useRef(load);
  loader.current = load;
  const reload = useCallback(async () => {
    try {
      const next = await loader.current();
      if (latest.current !== key) return;
      setData(next);
      setError(null);
    } catch (cause) {
      if (latest.current === key) setError(cause instanceof Error ? cause.message : String(cause));
    }
  }, [key]);
  useEffect(() => {
    latest.current = key;
    void reload();
    if (everyMs === null) return undefined;
    const timer = globalThis.setInterval(() => {
      if (!document.hidden) void reload();
    }, everyMs);
    return () => globalThis.clearInterval(timer);
  }, [key, everyMs, reload]);
  return { data, error, reload };
}
