/**
 * A table of which only the rows in view exist, so that a long one costs no more than a short one. Rows are asked for by
 * index; when the last ones come into view the owner is told, to fetch more.
 */
import { Virtualizer, elementScroll, observeElementOffset, observeElementRect } from "@tanstack/virtual-core";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

export interface Column<T> {
  readonly id: string;
  readonly head: ComponentChildren;
  readonly cell: (row: T) => ComponentChildren;
}

interface TableProps<T> {
  readonly label: string;
  readonly rows: readonly T[];
  readonly rowKey: (row: T) => string;
  readonly columns: readonly Column<T>[];
  /** How many there are in all, those that are not loaded among them. */
  readonly total: number;
  readonly onEnd?: () => void;
  /** In pixels; the style sheet must say the same. */
  readonly rowHeight?: number;
  /** Stays at the end while rows come in, unless the reader has scrolled away from it. */
  readonly follows?: boolean;
  /** Class of the grid: the style sheet has the widths. */
  readonly kind: string;
}

const ROW_HEIGHT = 44;
const NEAR_END = 30;

export function VirtualTable<T>(props: TableProps<T>) {
  const { label, rows, rowKey, columns, total, onEnd, kind, rowHeight = ROW_HEIGHT, follows = false } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer(rows.length, scroller, rowHeight);
  useFollowing(follows, scroller, rows);
  const items = virtualizer.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (rows.length > 0 && last >= rows.length - NEAR_END) onEnd?.();
  }, [last, rows.length, onEnd]);
  return (
    <div class={`table ${kind}`} role="table" aria-label={label} aria-rowcount={total + 1}>
      <div role="rowgroup">
        <div class="row head" role="row">
          {columns.map(({ id, head }) => (
            <div class={`cell ${id}`} role="columnheader" key={id}>
              {head}
            </div>
          ))}
        </div>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <div class="scroller" role="rowgroup" ref={scroller} tabIndex={0}>
        <div role="presentation" class="canvas" style={{ height: `${virtualizer.getTotalSize()}px` }}>
          {items.map(({ index, start }) => {
            const row = rows[index] as T;
            return (
              <div
                class="row"
                role="row"
                key={rowKey(row)}
                aria-rowindex={index + 2}
                style={{ transform: `translateY(${start}px)` }}
              >
                {columns.map(({ id, cell }) => (
                  <div class={`cell ${id}`} role="cell" key={id}>
                    {cell(row)}
                  </div>
                ))}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

/** Whether the reader was at the end is known before the new rows are drawn. */
function useFollowing(
  isOn: boolean,
  scroller: { readonly current: HTMLDivElement | null },
  rows: unknown,
): void {
  const element = scroller.current;
  const wasAtEnd =
    element === null || element.scrollTop + element.clientHeight >= element.scrollHeight - 2 * ROW_HEIGHT;
  useEffect(() => {
    if (isOn && wasAtEnd) scroller.current?.scrollTo(0, scroller.current.scrollHeight);
  }, [rows]);
}

function useVirtualizer(
  count: number,
  scroller: { readonly current: HTMLDivElement | null },
  rowHeight: number,
): Virtualizer<HTMLDivElement, Element> {
  const [, redraw] = useState(0);
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 8,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    initialRect: { width: 800, height: 600 },
    onChange: () => redraw((n) => n + 1),
  };
  const kept = useRef<Virtualizer<HTMLDivElement, Element> | null>(null);
  kept.current ??= new Virtualizer<HTMLDivElement, Element>(options);
  const virtualizer = kept.current;
  virtualizer.setOptions(options);
  useEffect(() => virtualizer._didMount(), []);
  useEffect(() => virtualizer._willUpdate());
  return virtualizer;
}
