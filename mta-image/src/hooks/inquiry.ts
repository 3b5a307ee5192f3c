/**
 * How the scripts of one connection are asked: what all of them share ($connection, $transaction, $context) is kept here from
 * one to the next. An answer comes at once when the script did not wait. Never throws and never rejects: a script that fails
 * is an answer, by the configuration's `onerror`.
 */
import { Refusal } from "../script/error.ts";
import type { Outcome } from "../script/machine.ts";
import { after } from "../script/mail/pieces.ts";
import { onlyData } from "../script/only-data.ts";
import { type Value, HslArray } from "../script/value.ts";
import type { Connection } from "./connection.ts";
import { HookRun } from "./hook-run.ts";
import type { Asked, HookRunner, HookWorld } from "./runner.ts";
import type { HookScript } from "./scripts.ts";
import type { Transaction } from "./transaction.ts";
import { type Answer, type Verdict, afterFailure, judge } from "./verdict.ts";

export class Inquiry {
  readonly #runner: HookRunner;
  readonly #connection: Connection;
  readonly #world: HookWorld;
  #context: Value = null;
  /** Null where nobody has said MAIL. */
  transaction: Transaction | null = null;

  constructor(runner: HookRunner, connection: Connection) {
    this.#runner = runner;
    this.#connection = connection;
    this.#world = runner.world({ session: connection.facts.id }, () => this.transaction?.id ?? null);
  }

  /** Only what the script names is made. */
  ask(script: HookScript, given: () => HslArray): Asked<Verdict> {
    const { used } = script.compiled;
    const variables = {
      arguments: used.has("arguments") ? given() : null,
      connection: used.has("connection") ? this.#connection.tree : null,
      transaction: used.has("transaction") ? (this.transaction?.tree ?? new HslArray()) : null,
      context: this.#context,
    };
    const run = new HookRun(script.hook, this.transaction?.id);
    const { limits } = script;
    const outcome = this.#runner.run(script, { world: this.#world, limits, variables, subject: run });
    return outcome instanceof Promise
      ? this.#endLater(script, run, outcome)
      : this.#end(script, run, outcome);
  }

  /** For hooks whose scripts only accept and refuse. Wishes that make no sense count as a failure of the script. */
  judged<W>(script: HookScript, given: () => HslArray, wishOf: (run: HookRun) => W): Asked<Answer<W>> {
    return after(this.ask(script, given), (answer) => {
      if (answer.kind === "refuse") return answer;
      if (answer.kind === "other") throw new Error(`bug: ${answer.action.kind} is no action of this hook`);
      try {
        return { ...answer, wish: wishOf(answer.wish) };
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        this.#runner.complain(script, error.message, { session: this.#connection.facts.id });
        const failed = afterFailure(script);
        return failed.kind === "refuse" ? failed : { ...failed, wish: wishOf(failed.wish) };
      }
    });
  }

  async #endLater(script: HookScript, run: HookRun, outcome: Promise<Outcome>): Promise<Verdict> {
    return this.#end(script, run, await outcome);
  }

  #end(script: HookScript, run: HookRun, outcome: Outcome): Verdict {
    if (outcome.error !== null) return afterFailure(script);
    if (script.compiled.used.has("context")) this.#context = onlyData(outcome.variable("context"));
    return judge(script, run);
  }
}
