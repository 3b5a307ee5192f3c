/**
 * The way in: by name and password, by an OpenID provider, or both. What kept a provider's answer from working stands in
 * the address as a word of a closed list; anything else there is not shown.
 */
import { useEffect, useRef, useState } from "preact/hooks";

import type { SessionView } from "#web/shared/web-api.ts";

import { api } from "../api.ts";
import { Field, Problem } from "../components/parts.tsx";
import { type Key, t } from "../strings.ts";
import { useData } from "../use-data.ts";

const refusals: Readonly<Record<string, Key>> = {
  "no-role": "refusedRole",
  "no-name": "refusedName",
  "sign-on-expired": "refusedExpired",
  "sign-on-failed": "refusedSignOn",
  "no-provider": "refusedProvider",
};

/** In front of the page where somebody was: what they had begun is still there when they are back. */
export function LoginAgain({ onSession }: Pick<LoginProps, "onSession">) {
  const element = useRef<HTMLDialogElement>(null);
  const stay = (): void => element.current?.showModal();
  useEffect(stay, []);
  return (
    <dialog ref={element} class="again" aria-label={t("logIn")} onCancel={keep} onClose={stay}>
      <p role="status">{t("sessionEnded")}</p>
      <LoginCard refused="" onSession={onSession} />
    </dialog>
  );
}

function keep(event: Event): void {
  event.preventDefault();
}

interface LoginProps {
  readonly refused: string | undefined;
  readonly onSession: (session: SessionView) => void;
}

export function LoginPage(props: LoginProps) {
  return (
    <main class="login">
      <LoginCard {...props} />
    </main>
  );
}

function LoginCard({ refused = "", onSession }: LoginProps) {
  const { data, error } = useData(api.loginWays, "login");
  const refusal = Object.hasOwn(refusals, refused) ? refusals[refused] : undefined;
  return (
    <div class="login-card">
      <h1>{data?.title ?? "Mailfleet"}</h1>
      <Problem text={refusal === undefined ? error : t(refusal)} />
      {data !== null && data.signOn !== null && (
        <a class="button primary" href="/api/oidc/login">
          {data.signOn}
        </a>
      )}
      {data?.password === true && data.signOn !== null && <p class="or">{t("or")}</p>}
      {data?.password === true && <PasswordForm isOnly={data.signOn === null} onSession={onSession} />}
    </div>
  );
}

function PasswordForm(props: {
  readonly isOnly: boolean;
  readonly onSession: (session: SessionView) => void;
}) {
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<string | null>(null);
  const submit = (event: Event): void => {
    event.preventDefault();
    api.login(user, password).then(props.onSession, (cause: Error) => setError(cause.message));
  };
  return (
    <form onSubmit={submit}>
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
      <button type="submit" class={props.isOnly ? "primary" : ""}>
        {t("logIn")}
      </button>
    </form>
  );
}
