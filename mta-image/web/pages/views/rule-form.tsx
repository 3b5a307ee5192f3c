/** Puts a policy or a suspension in force on every engine; what an engine said against it is shown by its name. */
import { useState } from "preact/hooks";

import type { RuleResult } from "#web/shared/web-api.ts";

import { api } from "../api.ts";
import { Dialog } from "../components/dialog.tsx";
import { Choice, Field, Problem, Silent } from "../components/parts.tsx";
import { t } from "../strings.ts";

const conditionFields = [
  "recipientdomain",
  "grouping",
  "localip",
  "remoteip",
  "remotemx",
  "transportid",
  "jobid",
  "tenantid",
] as const;

type Kind = "policies" | "suspensions";
type Draft = Readonly<Record<"id" | "field" | "value" | "concurrency" | "rate" | "ttl" | "tag", string>>;

const empty: Draft = {
  id: "",
  field: "recipientdomain",
  value: "",
  concurrency: "",
  rate: "",
  ttl: "3600",
  tag: "",
};

export function RuleForm({ kind, onClose }: { readonly kind: Kind; readonly onClose: () => void }) {
  const [draft, setDraft] = useState(empty);
  const [error, setError] = useState<string | null>(null);
  const [result, setResult] = useState<RuleResult | null>(null);
  const set = (field: keyof Draft) => (value: string) =>
    setDraft((before) => ({ ...before, [field]: value }));
  const submit = (event: Event): void => {
    event.preventDefault();
    const show = (answer: RuleResult): void => {
      if (answer.failures.length === 0) onClose();
      else setResult(answer);
    };
    api.putRule(kind, draft.id, ruleOf(kind, draft)).then(show, (cause: Error) => setError(cause.message));
  };
  return (
    <Dialog title={kind === "policies" ? t("addPolicy") : t("addSuspension")} onClose={onClose}>
      <form onSubmit={submit}>
        <Problem text={error} />
        <Outcome result={result} />
        <Field name="id" label="idOfRule" value={draft.id} onInput={set("id")} required />
        <Choice
          name="field"
          label="condition"
          value={draft.field}
          onChange={set("field")}
          options={conditionFields.map((field) => [field, field] as const)}
        />
        <Field
          name="value"
          label="value"
          value={draft.value}
          onInput={set("value")}
          placeholder="example.net"
        />
        {kind === "policies" && (
          <>
            <Field
              name="concurrency"
              label="concurrency"
              type="number"
              value={draft.concurrency}
              onInput={set("concurrency")}
            />
            <Field name="rate" label="rate" value={draft.rate} onInput={set("rate")} placeholder="100/60" />
          </>
        )}
        <Field name="tag" label="tag" value={draft.tag} onInput={set("tag")} />
        <Field name="ttl" label="ttl" type="number" value={draft.ttl} onInput={set("ttl")} />
        <p class="buttons">
          <button type="submit" class="primary">
            {t("add")}
          </button>
          <button type="button" onClick={onClose}>
            {t("cancel")}
          </button>
        </p>
      </form>
    </Dialog>
  );
}

/** What was done where, once it was not done everywhere. */
export function Outcome({ result }: { readonly result: RuleResult | null }) {
  if (result === null || result.failures.length === 0) return null;
  return (
    <>
      <p role="status">{t("doneOn", { engines: result.changed.join(", ") || "–" })}</p>
      <Silent failures={result.failures} />
    </>
  );
}

/** Only what was filled in; a policy counts by the field that its condition is about. */
export function ruleOf(kind: Kind, draft: Draft): object {
  const { field, value, concurrency, rate, ttl, tag } = draft;
  return {
    ...(value === "" ? {} : { if: { [field]: value } }),
    ...(tag === "" ? {} : { tag }),
    ...(ttl === "" ? {} : { ttl: Number(ttl) }),
    ...(kind === "policies" ? { fields: [field] } : {}),
    ...(kind === "policies" && concurrency !== "" ? { concurrency: Number(concurrency) } : {}),
    ...(kind === "policies" && rate !== "" ? { rate } : {}),
  };
}
