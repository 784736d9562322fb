import { type Clock, type Timer } from '#core';
import { type ProbeResult, type RecordingDialog } from '#sip';

import { type SrsLossCause } from '../../ledger';

export interface LivenessRules {
  /** An OPTIONS within the dialog at this interval, ms; 0: none. */
  readonly optionsIntervalMs: number;
  /** For its answer, ms. */
  readonly optionsDeadlineMs: number;
  /** An SRS that sent receiver reports and sends none for this long is dead, ms; 0: not looked at. */
  readonly rtcpSilenceMs: number;
}

export interface SrsLivenessOptions {
  readonly dialog: RecordingDialog;
  readonly rules: LivenessRules;
  readonly clock: Clock;
  /** Wall clock of the last receiver report of any stream, ms; null: none came yet. */
  readonly lastReceiverReportAtMs: () => number | null;
  /** Whether packets are being sent, so that reports are due. */
  readonly isSending: () => boolean;
  /** Called at most once. */
  readonly dead: (cause: SrsLossCause) => void;
}

/** Unreachable ports are believed at the second word, unless an OPTIONS tells at once that nobody is there. */
const UNREACHABLE_LIMIT = 2;

/**
 * Watches the SRS of an established recording: OPTIONS within the dialog (RFC 3261 §11.2), its TCP or TLS connection, ICMP
 * errors of its RTP ports, and receiver reports that stop. A SIP stack alone would learn of its death at the BYE.
 */
export class SrsLiveness {
  readonly #options: SrsLivenessOptions;
  /** Labels of streams, as often as it was said of them. */
  readonly #unreachable: string[] = [];
  /** Silence counts from here: reports are not due while nothing is sent. */
  #sendingSinceMs: number | null = null;
  #timer: Timer | null = null;
  #isProbing = false;
  #isStopped = false;

  constructor(options: SrsLivenessOptions) {
    this.#options = options;
    this.#schedule();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** ICMP says that nobody listens for a stream. */
  unreachable(label: string): void {
    this.#unreachable.push(label);
    if (this.#unreachable.filter(each => each === label).length >= UNREACHABLE_LIMIT) {
      this.#dead('icmp');
    } else if (this.#options.rules.optionsIntervalMs > 0) {
      void this.#probe();
    }
  }

  /**
   * The connection of the dialog is gone. That alone ends no dialog: an SRS that still knows it answers on a new connection,
   * and is asked at once, also when it is not asked at intervals.
   */
  connectionLost(): void {
    void this.#probe('connection-lost');
  }

  #schedule(): void {
    const { clock, rules } = this.#options;
    if (rules.optionsIntervalMs > 0 && !this.#isStopped) {
      this.#timer = clock.setTimer(rules.optionsIntervalMs, () => {
        this.#checkReports();
        void this.#probe().then(() => this.#schedule());
      });
    }
  }

  /** @param suspicion what the SRS is lost by if it does not answer; default: what the OPTIONS finds. */
  async #probe(suspicion?: SrsLossCause): Promise<void> {
    const { dialog, rules } = this.#options;
    if (this.#isProbing || this.#isStopped) {
      return;
    }
    this.#isProbing = true;
    let result = await dialog.probe(rules.optionsDeadlineMs);
    if (result === 'unreachable') {
      // The connection may have broken under this very request: a new one shows whether the SRS is there.
      result = await dialog.probe(rules.optionsDeadlineMs);
    }
    this.#isProbing = false;
    if (result !== 'alive') {
      this.#dead(causeOf(result, dialog.peer?.transport === 'udp', suspicion));
    }
  }

  #checkReports(): void {
    const { clock, rules, isSending, lastReceiverReportAtMs } = this.#options;
    const nowMs = clock.wallNowMs();
    if (!isSending()) {
      this.#sendingSinceMs = null;
      return;
    }
    this.#sendingSinceMs ??= nowMs;
    const lastMs = lastReceiverReportAtMs();
    const sinceMs = Math.max(lastMs ?? 0, this.#sendingSinceMs);
    if (rules.rtcpSilenceMs > 0 && lastMs !== null && nowMs - sinceMs > rules.rtcpSilenceMs) {
      this.#dead('rtcp-silence');
    }
  }

  #dead(cause: SrsLossCause): void {
    if (!this.#isStopped) {
      this.stop();
      this.#options.dead(cause);
    }
  }
}

function causeOf(
  result: Exclude<ProbeResult, 'alive'>,
  isUdp: boolean,
  suspicion: SrsLossCause | undefined,
): SrsLossCause {
  switch (result) {
    case 'dialog-unknown':
      return 'dialog-unknown';
    case 'unreachable':
      return isUdp ? 'icmp' : 'connection-lost';
    case 'silent':
      return suspicion ?? 'options-timeout';
  }
}
