/** Text to take along, with a button that copies it; where the browser lets nobody copy, it is selected instead. */
import { useRef, useState } from "preact/hooks";

import { t } from "../strings.ts";

export function Copyable({ label, text }: { readonly label: string; readonly text: string }) {
  const source = useRef<HTMLPreElement>(null);
  const [copied, setCopied] = useState("");
  const select = (): void => {
    if (source.current !== null) getSelection()?.selectAllChildren(source.current);
  };
  const copy = (): void => {
    // Over plain HTTP, other than on this machine, there is none.
    const clipboard = navigator.clipboard as Clipboard | undefined;
    if (clipboard === undefined) return select();
    clipboard.writeText(text).then(() => setCopied(text), select);
  };
  return (
    <section class="copyable" aria-label={label}>
      <header>
        <h3>{label}</h3>
        <button type="button" onClick={copy}>
          {copied === text ? t("copied") : t("copy")}
        </button>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <pre class="source" tabIndex={0} ref={source}>
        {text}
      </pre>
    </section>
  );
}
