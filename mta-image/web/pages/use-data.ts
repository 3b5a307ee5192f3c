/**
 * Data that a view asks for: once, and again every so often while the page is in view. What was there stays while a
 * later call fails, beside the reason, so that a broken moment never empties a page. An answer that was overtaken by a later
 * one says nothing.
 */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { SESSION_BACK } from "./api.ts";

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
  const asked = useRef(0);
  const heard = useRef(0);
  const reload = useCallback(async () => {
    const turn = ++asked.current;
    const isNews = (): boolean => latest.current === key && turn > heard.current;
    try {
      const next = await loader.current();
      if (!isNews()) return;
      setData(next);
      setError(null);
    } catch (cause) {
      if (!isNews()) return;
      setError(cause instanceof Error ? cause.message : String(cause));
    }
    heard.current = turn;
  }, [key]);
  useSessionBack(reload);
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

/** What was asked in vain since a session ended is asked again when there is one. */
export function useSessionBack(reload: () => Promise<void>): void {
  useEffect(() => {
    const again = (): void => void reload();
    addEventListener(SESSION_BACK, again);
    return () => removeEventListener(SESSION_BACK, again);
  }, [reload]);
}
