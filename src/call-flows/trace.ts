import { parseMessage, type SipMessage } from '#sip/engine';

/** One SIP message between the gateway and one party, or a remark between two messages. */
export type TraceEntry =
  | {
      readonly kind: 'message';
      readonly party: string;
      /** As the party sees it. */
      readonly way: 'sent' | 'received';
      readonly message: SipMessage;
    }
  | { readonly kind: 'note'; readonly text: string };

/** Every message of a run in the order in which the parties saw it. Retransmissions are left out. */
export class Trace {
  readonly #entries: TraceEntry[] = [];
  readonly #seen = new Set<string>();
  #lastAtMs = 0;

  constructor(private readonly nowMs: () => number) {}

  get entries(): readonly TraceEntry[] {
    return this.#entries;
  }

  /** When the newest message passed, ms. */
  get lastAtMs(): number {
    return this.#lastAtMs;
  }

  note(text: string): void {
    this.#entries.push({ kind: 'note', text });
  }

  /** @throws Error when a party of the lab sends or gets what is no SIP message. */
  add(party: string, way: 'sent' | 'received', bytes: Buffer): void {
    this.#lastAtMs = this.nowMs();
    const key = `${party} ${way} ${bytes.toString('latin1')}`;
    if (this.#seen.has(key)) {
      return;
    }
    this.#seen.add(key);
    const parsed = parseMessage(bytes);
    if (!parsed.ok) {
      throw new Error(`${party} has ${way} what is no SIP message`);
    }
    this.#entries.push({ kind: 'message', party, way, message: parsed.message });
  }
}
