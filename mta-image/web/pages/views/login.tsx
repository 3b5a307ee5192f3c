/** The way in. */
import { useState } from "preact/hooks";

import type { SessionView } from "#web/shared/web-api.ts";

import { api } from "../api.ts";
import { Field, Problem } from "../components/parts.tsx";
import { t } from "../strings.ts";

export function LoginPage({ onSession }: { readonly onSession: (session: SessionView) => void }) {
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<string | null>(null);
  const submit = (event: Event): void => {
    event.preventDefault();
    api.login(user, password).then(onSession, (cause: Error) => setError(cause.message));
  };
  return (
    <main class="login">
      <form onSubmit={submit}>
        <h1>Mailfleet</h1>
        <Problem text={error} />
        <Field name="user" label="user" value={user} onInput={setUser} autocomplete="username" required />
        <Field
          name="password"
          label="password"
          type="password"
          value={password}
          onInput={setPassword}
          autocomplete="current-password"
          required
        />
        <button type="submit" class="primary">
          {t("logIn")}
        </button>
      </form>
    </main>
  );
}
