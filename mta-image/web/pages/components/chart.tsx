/** A chart over time. The latest values stand in its label, for those who cannot see it. */
import { useEffect, useRef } from "preact/hooks";
import UPlot from "uplot";

import { number } from "../format.ts";
import { language } from "../strings.ts";
import { colour } from "../theme.ts";

export interface Line {
  readonly label: string;
  /** Name of a colour in the style sheet. */
  readonly colour: string;
  /** Null where nothing is known: the line has a gap. */
  readonly values: readonly (number | null)[];
}

export function Chart(props: {
  readonly title: string;
  readonly at: readonly number[];
  readonly lines: readonly Line[];
  /** Which of the values are said in words; the last when absent. */
  readonly readAt?: number;
  /** Few values are to be seen also where one stands alone. */
  readonly hasPoints?: boolean;
}) {
  const { title, at, lines, readAt = -1, hasPoints = false } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new UPlot(
        optionsOf(lines, { width: element.clientWidth, hasPoints }),
        dataOf(at, lines),
        element,
      );
    };
    draw();
    const observer = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    observer.observe(element);
    addEventListener("mailfleet-theme", draw);
    return () => {
      observer.disconnect();
      removeEventListener("mailfleet-theme", draw);
      plot.current?.destroy();
      plot.current = null;
    };
    // The lines' names and colours never change; their values are set below.
  }, []);
  useEffect(() => plot.current?.setData(dataOf(at, lines)), [at, lines]);
  const latest = lines
    .map(({ label, values }) => `${label} ${number(values.at(readAt), language())}`)
    .join(", ");
  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      <div class="plot" ref={place} role="img" aria-label={`${title}: ${latest}`} />
      <ul class="legend">
        {lines.map((line) => (
          <li key={line.label}>
            <span class={`swatch ${line.colour}`} aria-hidden="true" />
            {line.label} <b>{number(line.values.at(readAt), language())}</b>
          </li>
        ))}
      </ul>
    </figure>
  );
}

const HEIGHT = 180;

function dataOf(at: readonly number[], lines: readonly Line[]): UPlot.AlignedData {
  return [at.map((ms) => ms / 1000), ...lines.map(({ values }) => [...values])];
}

function optionsOf(
  lines: readonly Line[],
  { width, hasPoints }: { readonly width: number; readonly hasPoints: boolean },
): UPlot.Options {
  const axis = {
    stroke: colour("muted"),
    grid: { stroke: colour("line"), width: 1 },
    ticks: { stroke: colour("line") },
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(1, high * 1.1)] } },
    axes: [axis, { ...axis, size: 56 }],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.label,
        stroke: colour(line.colour),
        width: 2,
        points: { show: hasPoints },
      })),
    ],
  };
}
