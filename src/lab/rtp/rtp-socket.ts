import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { type Clock, type LocalEndpoint, type TransportAddress } from '#core';
import { LabError } from '../errors';

/** How often a pair of neighbouring ports is tried for. */
const MAX_ATTEMPTS = 50;
/** Enough for a stall of the event loop of more than a second. */
const RECEIVE_BUFFER_BYTES = 256 * 1024;

export interface RtpSocketEvents {
  /** Called for each datagram on the RTP port; RTCP that is multiplexed there (RFC 5761) is sorted out. */
  rtp(datagram: Buffer, from: TransportAddress, arrivalWallMs: number): void;
  rtcp(datagram: Buffer, from: TransportAddress, arrivalWallMs: number): void;
}

/** An even UDP port for RTP and the next one for RTCP (RFC 3550 §11). */
export class RtpSocketPair {
  readonly local: LocalEndpoint;
  readonly #rtp: Socket;
  readonly #rtcp: Socket;
  #isClosed = false;
  #sendErrors = 0;

  private constructor(rtp: Socket, rtcp: Socket, host: string) {
    this.#rtp = rtp;
    this.#rtcp = rtcp;
    this.local = {
      rtp: { host, port: rtp.address().port },
      rtcp: { host, port: rtcp.address().port },
    };
  }

  /** @throws LabError `REC_ERR_LAB_BIND` when no pair of ports can be had on this address. */
  static async open(host: string, clock: Clock, events: RtpSocketEvents): Promise<RtpSocketPair> {
    let lastError: unknown = null;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      let rtp: Socket | null = null;
      try {
        rtp = await bind(host, 0);
        const port = rtp.address().port;
        // The kernel gives any port: keep an even one, and come back for the neighbour of an odd one never.
        const rtcp = port % 2 === 0 ? await bind(host, port + 1) : null;
        if (rtcp !== null) {
          const pair = new RtpSocketPair(rtp, rtcp, host);
          pair.#listen(clock, events);
          return pair;
        }
        rtp.close();
      } catch (error) {
        rtp?.close();
        lastError = error;
      }
    }
    throw new LabError('REC_ERR_LAB_BIND', `no RTP port pair can be had on ${host}`, {
      cause: lastError,
      details: { host },
    });
  }

  /** Datagrams that the kernel refused. */
  get sendErrors(): number {
    return this.#sendErrors;
  }

  sendRtp(datagram: Buffer, to: TransportAddress): void {
    this.#send(this.#rtp, datagram, to);
  }

  /** @param muxed sends from the RTP port (RFC 5761). */
  sendRtcp(datagram: Buffer, to: TransportAddress, muxed: boolean): void {
    this.#send(muxed ? this.#rtp : this.#rtcp, datagram, to);
  }

  /** Resolves when both ports are free again. Idempotent. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      await Promise.all([closeSocket(this.#rtp), closeSocket(this.#rtcp)]);
    }
  }

  #listen(clock: Clock, events: RtpSocketEvents): void {
    this.#rtp.on('message', (datagram, remote) => {
      const from = { host: remote.address, port: remote.port };
      if (isMuxedRtcp(datagram)) {
        events.rtcp(datagram, from, clock.wallNowMs());
      } else {
        events.rtp(datagram, from, clock.wallNowMs());
      }
    });
    this.#rtcp.on('message', (datagram, remote) => {
      events.rtcp(datagram, { host: remote.address, port: remote.port }, clock.wallNowMs());
    });
  }

  #send(socket: Socket, datagram: Buffer, to: TransportAddress): void {
    if (this.#isClosed || to.port === 0) {
      return;
    }
    socket.send(datagram, to.port, to.host, error => {
      this.#sendErrors += error === null ? 0 : 1;
    });
  }
}

/** RFC 5761 §4: packet types 192–223 where RTP has marker and payload type. */
function isMuxedRtcp(datagram: Buffer): boolean {
  const type = datagram[1] ?? 0;
  return type >= 192 && type <= 223;
}

function bind(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({
      type: isIPv6(host) ? 'udp6' : 'udp4',
      recvBufferSize: RECEIVE_BUFFER_BYTES,
    });
    socket.once('error', error => {
      socket.close();
      reject(error);
    });
    socket.bind(port, host, () => {
      socket.removeAllListeners('error');
      // ICMP errors of a peer that is gone are no reason to die.
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}

function closeSocket(socket: Socket): Promise<void> {
  return new Promise(resolve => {
    socket.close(() => resolve());
  });
}
