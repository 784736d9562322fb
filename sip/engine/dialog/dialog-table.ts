import { type SipRequest, tagOf } from '../message';
import { type Dialog } from './dialog';

/** Finds dialogs by Call-ID and both tags (RFC 3261 §12), with something of the user's beside each. */
export class DialogTable<Owner> {
  readonly #entries = new Map<string, { readonly dialog: Dialog; readonly owner: Owner }>();

  get size(): number {
    return this.#entries.size;
  }

  add(dialog: Dialog, owner: Owner): void {
    this.#entries.set(key(dialog.callId, dialog.localTag, dialog.remoteTag), { dialog, owner });
  }

  remove(dialog: Dialog): void {
    this.#entries.delete(key(dialog.callId, dialog.localTag, dialog.remoteTag));
  }

  /** The dialog that a peer's request belongs to: its To is our side. */
  find(request: SipRequest): { readonly dialog: Dialog; readonly owner: Owner } | null {
    const { headers } = request;
    const localTag = tagOf(headers.get('to'));
    return localTag === null
      ? null
      : (this.#entries.get(
          key(headers.get('call-id') ?? '', localTag, tagOf(headers.get('from')) ?? ''),
        ) ?? null);
  }
}

function key(callId: string, localTag: string, remoteTag: string): string {
  return `${callId}\n${localTag}\n${remoteTag}`;
}
