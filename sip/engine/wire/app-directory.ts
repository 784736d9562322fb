import { type AppDirectory, type AppPort } from '../agent';

/** Which connected application gets which method; several take turns. */
export class AppRoutes implements AppDirectory {
  readonly #byVerb = new Map<string, AppPort[]>();

  /** Idempotent per application: drachtio-srf repeats its routes. `verb` as on the wire, lower case. */
  add(verb: string, app: AppPort): void {
    const apps = this.#byVerb.get(verb) ?? [];
    if (!apps.includes(app)) {
      this.#byVerb.set(verb, [...apps, app]);
    }
  }

  remove(verb: string, app: AppPort): void {
    const apps = (this.#byVerb.get(verb) ?? []).filter(other => other !== app);
    if (apps.length > 0) {
      this.#byVerb.set(verb, apps);
    } else {
      this.#byVerb.delete(verb);
    }
  }

  removeAll(app: AppPort): void {
    for (const verb of [...this.#byVerb.keys()]) {
      this.remove(verb, app);
    }
  }

  methods(): readonly string[] {
    return [...this.#byVerb.keys()].map(verb => verb.toUpperCase());
  }

  next(method: string): AppPort | null {
    const apps = this.#byVerb.get(method.toLowerCase());
    if (apps === undefined) {
      return null;
    }
    const idle = apps.findIndex(({ isBusy }) => !isBusy);
    const [app] = apps.splice(Math.max(0, idle), 1);
    if (app === undefined) {
      return null;
    }
    apps.push(app);
    return app;
  }
}
