/** What an event does in a state: the next state, and commands as data. */
export interface Transition<State extends string, Action extends string> {
  readonly to: State;
  readonly run: readonly Action[];
}

/** Every state against every event; null: the event is ignored there, on purpose. */
export type MachineTable<
  State extends string,
  Event extends string,
  Action extends string,
> = Readonly<Record<State, Readonly<Record<Event, Transition<State, Action> | null>>>>;

/**
 * Runs a table. Events raised while one is being worked on are queued, so that actions always see the
 * state that the table says. Reaching a state without exits is told once by `onTerminated`.
 */
export class MachineRunner<State extends string, Event extends string, Action extends string> {
  readonly #table: MachineTable<State, Event, Action>;
  readonly #execute: (action: Action) => void;
  readonly #onState: (state: State) => void;
  /** Raised while another was being worked on. */
  readonly #queue: Event[] = [];
  #state: State;
  #isRunning = false;

  constructor(
    table: MachineTable<State, Event, Action>,
    initial: State,
    execute: (action: Action) => void,
    onState: (state: State) => void,
  ) {
    this.#table = table;
    this.#state = initial;
    this.#execute = execute;
    this.#onState = onState;
  }

  get state(): State {
    return this.#state;
  }

  /** Whether the event means anything in the present state. */
  accepts(event: Event): boolean {
    return this.#table[this.#state][event] !== null;
  }

  dispatch(event: Event): void {
    if (this.#isRunning) {
      this.#queue.push(event);
      return;
    }
    this.#isRunning = true;
    try {
      this.#step(event);
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        this.#step(next);
      }
    } finally {
      this.#isRunning = false;
    }
  }

  #step(event: Event): void {
    const transition = this.#table[this.#state][event];
    if (transition === null) {
      return;
    }
    const hasMoved = transition.to !== this.#state;
    this.#state = transition.to;
    for (const action of transition.run) {
      this.#execute(action);
    }
    if (hasMoved) {
      this.#onState(transition.to);
    }
  }
}
