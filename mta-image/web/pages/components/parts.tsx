/** Small parts that every view is made of. */
import type { ComponentChildren } from "preact";

import type { Failures } from "#web/shared/web-api.ts";

import { type Key, t } from "../strings.ts";

export function PageHead({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
}) {
  return (
    <header class="page-head">
      <h1>{title}</h1>
      <div class="page-actions">{children}</div>
    </header>
  );
}

/** Engines that did not answer: what is missing on this page. */
export function Silent({ failures }: { readonly failures: Failures | undefined }) {
  if (failures === undefined || failures.length === 0) return null;
  return (
    <div class="notice warn" role="status">
      <strong>{t("silentHead", { count: failures.length })}</strong>
      <ul>
        {failures.map(({ engine, reason }) => (
          <li key={engine}>
            <b>{engine}</b>: {reason}
          </li>
        ))}
      </ul>
    </div>
  );
}

export function Problem({ text }: { readonly text: string | null }) {
  if (text === null) return null;
  return (
    <div class="notice bad" role="alert">
      {text}
    </div>
  );
}

export function Loading({ when }: { readonly when: boolean }) {
  return when ? (
    <p class="muted" role="status">
      {t("loading")}
    </p>
  ) : null;
}

export type Tone = "good" | "warn" | "bad" | "calm";

export function Badge({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

export function Figure({
  label,
  value,
  tone,
}: {
  readonly label: string;
  readonly value: string;
  readonly tone?: Tone;
}) {
  return (
    <div class={`figure ${tone ?? ""}`}>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** Names with what they are. */
export function FactList({ facts }: { readonly facts: readonly (readonly [string, string])[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

interface FieldProps {
  readonly name: string;
  readonly label: Key;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly type?: "text" | "password" | "search" | "number";
  readonly placeholder?: string;
  readonly autocomplete?: string;
  readonly required?: boolean;
}

export function Field({
  name,
  label,
  value,
  onInput,
  type = "text",
  placeholder,
  autocomplete = "off",
  required,
}: FieldProps) {
  return (
    <label class="field">
      <span>{t(label)}</span>
      <input
        name={name}
        // Its type ties roles to each kind of input; ours all have their own.
        type={type as "text"}
        value={value}
        {...(placeholder === undefined ? {} : { placeholder })}
        autocomplete={autocomplete}
        required={required === true}
        spellcheck={false}
        onInput={({ currentTarget }) => onInput(currentTarget.value)}
      />
    </label>
  );
}

interface ChoiceProps<T extends string> {
  readonly name: string;
  readonly label: Key;
  readonly value: T;
  readonly options: readonly (readonly [T, string])[];
  readonly onChange: (value: T) => void;
}

export function Choice<T extends string>({ name, label, value, options, onChange }: ChoiceProps<T>) {
  return (
    <label class="field">
      <span>{t(label)}</span>
      <select name={name} value={value} onChange={({ currentTarget }) => onChange(currentTarget.value as T)}>
        {options.map(([each, text]) => (
          <option key={each} value={each}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
