import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { type Clock } from '#core';

const PROBE_LIFETIME_MS = 500;
const MAX_PROBES = 64;
const CRLF = Buffer.from('\r\n');

/**
 * Finds out whether a UDP port is closed. The socket of a listener is not connected and therefore never
 * hears of ICMP errors; a connected one does. So when a request had to be retransmitted, one CRLF (which
 * every SIP element ignores, RFC 3261 §7.5) goes out from a socket of its own, and "port unreachable"
 * comes back as an error of that socket.
 */
export class UdpProber {
  readonly #clock: Clock;
  readonly #open = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `onRefused` at most once, when the peer's host says that nobody listens there. */
  probe(host: string, port: number, onRefused: (error: Error) => void): void {
    if (this.#open.size >= MAX_PROBES) {
      return;
    }
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    let isOpen = true;
    const close = (): void => {
      if (isOpen) {
        isOpen = false;
        timer.cancel();
        this.#open.delete(close);
        socket.close();
      }
    };
    const timer = this.#clock.setTimer(PROBE_LIFETIME_MS, close);
    this.#open.add(close);
    socket.on('error', error => {
      close();
      onRefused(error);
    });
    socket.connect(port, host, () => {
      if (isOpen) {
        socket.send(CRLF);
      }
    });
  }

  close(): void {
    for (const close of [...this.#open]) {
      close();
    }
  }
}
