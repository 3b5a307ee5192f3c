/**
 * Says what is being done and how long it took and was expected to take, one line at the start and one at the end
 * of each step, so that nobody wonders whether a long one hangs. A step that throws is named before the error goes on.
 */
export class Progress {
  readonly #name: string;
  readonly #started = performance.now();

  constructor(name: string) {
    this.#name = name;
  }

  async step<T>(what: string, expectedSeconds: number, act: () => Promise<T>): Promise<T> {
    this.say(`${what} (about ${expectedSeconds} s) …`);
    const started = performance.now();
    try {
      const result = await act();
      this.say(`${what}: done in ${seconds(performance.now() - started)}`);
      return result;
    } catch (error) {
      this.say(`${what}: FAILED after ${seconds(performance.now() - started)}`);
      throw error;
    }
  }

  /** One line with the time since the start. */
  readonly say = (line: string): void => {
    process.stdout.write(
      `[${this.#name} ${seconds(performance.now() - this.#started).padStart(7)}] ${line}\n`,
    );
  };
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
