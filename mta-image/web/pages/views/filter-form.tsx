/** The fields that the queue is searched by. One field for most days, all others behind a button. */
import { useEffect, useState } from "preact/hooks";

import { Choice, Field } from "../components/parts.tsx";
import { t, word } from "../strings.ts";
import { type Query, numberFields, states, textFields } from "./filter.ts";

export function FilterForm({
  query,
  onSearch,
}: {
  readonly query: Query;
  readonly onSearch: (query: Query) => void;
}) {
  const [draft, setDraft] = useState<Query>(query);
  const [isOpen, setOpen] = useState(textFields.some(([field]) => (query[field] ?? "") !== ""));
  const key = JSON.stringify(query);
  useEffect(() => setDraft(query), [key]);
  const set = (field: string) => (value: string) => setDraft((before) => ({ ...before, [field]: value }));
  const submit = (event: Event): void => {
    event.preventDefault();
    onSearch(draft);
  };
  return (
    <form class="filter" role="search" onSubmit={submit}>
      <div class="filter-line">
        <Field
          name="text"
          label="searchText"
          type="search"
          value={draft["text"] ?? ""}
          onInput={set("text")}
        />
        <Choice
          name="status"
          label="status"
          value={draft["status"] ?? ""}
          onChange={set("status")}
          options={[["", "–"], ...states.map((state) => [state, word(state)] as const)]}
        />
        <button type="submit" class="primary">
          {t("apply")}
        </button>
        <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? t("less") : t("more")}
        </button>
      </div>
      {isOpen && (
        <div class="filter-more">
          {textFields.map(([field, label]) => (
            <Field key={field} name={field} label={label} value={draft[field] ?? ""} onInput={set(field)} />
          ))}
          {numberFields.map(([field, label]) => (
            <Field
              key={field}
              name={field}
              label={label}
              type="number"
              value={draft[field] ?? ""}
              onInput={set(field)}
            />
          ))}
        </div>
      )}
    </form>
  );
}
