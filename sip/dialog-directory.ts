import { type Replaces } from './replaces';
import { type SipDialog } from './sip-dialog';

/**
 * The established dialogs of all calls in pairs, to be found by what a peer calls them: for a Replaces that names a
 * dialog with us and is to be understood on the other side, where the same call is another dialog.
 */
export class DialogDirectory {
  readonly #otherSides = new Map<string, SipDialog>();

  get size(): number {
    return this.#otherSides.size;
  }

  /** The two dialogs of a call. */
  join(one: SipDialog, other: SipDialog): void {
    this.#otherSides.set(keyOf(one), other);
    this.#otherSides.set(keyOf(other), one);
  }

  /** The dialog is over. Harmless for one that never was here. */
  leave(dialog: SipDialog): void {
    this.#otherSides.delete(keyOf(dialog));
  }

  /**
   * What the peer on the other side of a call knows the dialog as that a peer on this side has named.
   * @returns null: it names no dialog of ours
   */
  translate(replaces: Replaces): Replaces | null {
    const { callId, toTag, fromTag, earlyOnly } = replaces;
    const other = this.#otherSides.get(`${callId}\n${toTag}\n${fromTag}`);
    return other === undefined
      ? null
      : { callId: other.sipCallId, toTag: other.tags.remote, fromTag: other.tags.local, earlyOnly };
  }
}

function keyOf(dialog: SipDialog): string {
  return `${dialog.sipCallId}\n${dialog.tags.local}\n${dialog.tags.remote}`;
}
