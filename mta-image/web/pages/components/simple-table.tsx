/** A short table. Wide ones scroll sideways by themselves, so that the page never does. */
import type { ComponentChildren } from "preact";

import { t } from "../strings.ts";

export interface SimpleColumn<T> {
  readonly head: string;
  readonly cell: (row: T) => ComponentChildren;
  /** Right-aligned figures. */
  readonly isNumber?: boolean;
}

export function SimpleTable<T>(props: {
  readonly label: string;
  readonly rows: readonly T[];
  readonly rowKey: (row: T) => string;
  readonly columns: readonly SimpleColumn<T>[];
}) {
  const { label, rows, rowKey, columns } = props;
  if (rows.length === 0) return <p class="muted">{t("nothing")}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section class="wide" tabIndex={0} aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map(({ head, isNumber }) => (
              <th key={head} scope="col" class={isNumber === true ? "number" : ""}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map(({ head, cell, isNumber }) => (
                <td key={head} class={isNumber === true ? "number" : ""}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
