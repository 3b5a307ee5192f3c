/**
 * How long scripts took, by hook, as a histogram for Prometheus. Kept in plain numbers, and put into its form when somebody
 * scrapes: prom-client's own checks and hashes the labels of each observation, which costs as much as running a small
 * script. Never fails.
 */
import type { Histogram, Registry } from "prom-client";

const BOUNDS = [0.000_01, 0.000_1, 0.001, 0.01, 0.1, 1, 10, 60];

interface Taken {
  /** How many ended within each bound and not within the one before it; the last is beyond all. */
  readonly counts: number[];
  sum: number;
}

interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

export class ScriptSeconds {
  readonly name = "mta_script_seconds";
  readonly help = "How long a script took, waiting included.";
  readonly type = "histogram";
  readonly aggregator = "sum";
  readonly labelNames = ["hook"];
  readonly #byHook = new Map<string, Taken>();

  constructor(registry: Registry) {
    // Its types want one of its own classes; what it calls is get() and reset().
    registry.registerMetric(this as unknown as Histogram);
  }

  observe(hook: string, seconds: number): void {
    let taken = this.#byHook.get(hook);
    if (taken === undefined) {
      taken = { counts: [...BOUNDS, 0].map(() => 0), sum: 0 };
      this.#byHook.set(hook, taken);
    }
    let at = 0;
    while (at < BOUNDS.length && seconds > (BOUNDS[at] as number)) at++;
    taken.counts[at] = (taken.counts[at] as number) + 1;
    taken.sum += seconds;
  }

  async get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    const values = [...this.#byHook].flatMap(([hook, taken]) => this.#samples(hook, taken));
    return { name, help, type, aggregator, values };
  }

  reset(): void {
    this.#byHook.clear();
  }

  #samples(hook: string, { counts, sum }: Taken): Sample[] {
    let count = 0;
    const buckets = [...BOUNDS, "+Inf"].map((le, at): Sample => {
      count += counts[at] as number;
      return { metricName: `${this.name}_bucket`, labels: { le, hook }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${this.name}_sum`, labels: { hook }, value: sum },
      { metricName: `${this.name}_count`, labels: { hook }, value: count },
    ];
  }
}
