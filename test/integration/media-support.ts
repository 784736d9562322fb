import { isGatewayError, type Logger, noopLogger, type RemoteStream, systemClock } from '#core';
import { createMediaPlane, type MediaCall, type MediaPlane, type MediaPlaneOptions } from '#media';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** How long a test waits for something that must happen, ms. */
export const DEADLINE_MS = 8000;

/** An RTP packet in parts. */
export interface RtpParts {
  sequence: number;
  timestamp: number;
  ssrc: number;
  payloadType: number;
  marker: boolean;
  payload: Buffer;
}

/** Builds an RTP packet; 20 ms of a byte pattern that tells the sequence number when nothing else is said. */
export function rtp(sequence: number, parts: Partial<RtpParts> = {}): Buffer {
  const header = Buffer.alloc(12);
  header[0] = 0x80;
  header[1] = (parts.marker === true ? 0x80 : 0) | (parts.payloadType ?? 0);
  header.writeUInt16BE(sequence & 0xffff, 2);
  header.writeUInt32BE((parts.timestamp ?? sequence * 160) >>> 0, 4);
  header.writeUInt32BE(parts.ssrc ?? 0x1234, 8);
  const pattern = Buffer.from(Array.from({ length: 160 }, (_, i) => (sequence * 7 + i) & 0xff));
  return Buffer.concat([header, parts.payload ?? pattern]);
}

/** Takes a plain RTP packet (no CSRC, extension or padding) apart. */
export function parse(packet: Buffer): RtpParts {
  return {
    sequence: packet.readUInt16BE(2),
    timestamp: packet.readUInt32BE(4),
    ssrc: packet.readUInt32BE(8),
    payloadType: packet.readUInt8(1) & 0x7f,
    marker: packet.readUInt8(1) >> 7 === 1,
    payload: packet.subarray(12),
  };
}

/** How far sequence numbers of packets in a row are apart. */
export function steps(packets: readonly Buffer[]): number[] {
  return packets
    .slice(1)
    .map((packet, i) => (packet.readUInt16BE(2) - (packets[i]?.readUInt16BE(2) ?? 0)) & 0xffff);
}

/** How far timestamps of packets in a row are apart. */
export function timestampSteps(packets: readonly Buffer[]): number[] {
  return packets
    .slice(1)
    .map((packet, i) => (packet.readUInt32BE(4) - (packets[i]?.readUInt32BE(4) ?? 0)) | 0);
}

/** Formats of the tests. */
export const G722 = { payloadType: 9, encoding: 'G722', clockRateHz: 8000, channels: 1 };
export const L16 = { payloadType: 97, encoding: 'L16', clockRateHz: 16_000, channels: 1 };
export const DTMF = {
  payloadType: 101,
  encoding: 'TELEPHONE-EVENT',
  clockRateHz: 8000,
  channels: 1,
};

export interface Received {
  readonly packet: Buffer;
  readonly source: RemoteInfo;
  readonly atMs: number;
}

/** A UDP socket of a phone or a recorder. */
export class UdpPeer {
  readonly received: Received[] = [];
  readonly #socket: Socket;
  #listeners: (() => void)[] = [];

  static async open(host = '127.0.0.1', port = 0): Promise<UdpPeer> {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.bind(port, host);
    await once(socket, 'listening');
    return new UdpPeer(socket);
  }

  /** Two neighbouring ports, RTP even. */
  static async openPair(host = '127.0.0.1'): Promise<{ rtp: UdpPeer; rtcp: UdpPeer }> {
    for (;;) {
      const rtpPeer = await UdpPeer.open(host);
      if (rtpPeer.port % 2 === 0) {
        try {
          return { rtp: rtpPeer, rtcp: await UdpPeer.open(host, rtpPeer.port + 1) };
        } catch {
          // The neighbour is taken: try another pair.
        }
      }
      rtpPeer.close();
    }
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('message', (packet, source) => {
      this.received.push({ packet, source, atMs: performance.now() });
      this.#listeners.forEach(listener => listener());
    });
  }

  get host(): string {
    return this.#socket.address().address;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** RTP only. */
  get packets(): Buffer[] {
    return this.received.map(({ packet }) => packet).filter(packet => !isRtcp(packet));
  }

  get reports(): Buffer[] {
    return this.received.map(({ packet }) => packet).filter(isRtcp);
  }

  send(packet: Buffer, to: { host: string; port: number }): void {
    this.#socket.send(packet, to.port, to.host);
  }

  /** Waits until so many RTP packets have come in all. */
  async packetsReach(count: number): Promise<Buffer[]> {
    await this.until(() => this.packets.length >= count, `${count} packets`);
    return this.packets;
  }

  async reportsReach(count: number): Promise<Buffer[]> {
    await this.until(() => this.reports.length >= count, `${count} RTCP packets`);
    return this.reports;
  }

  /** Waits until what has come fulfils a condition. */
  until(isDone: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`${what} did not come; received: ${this.received.length}`));
      }, DEADLINE_MS);
      const look = (): void => {
        if (isDone()) {
          clearTimeout(timer);
          this.#listeners = this.#listeners.filter(listener => listener !== look);
          resolve();
        }
      };
      this.#listeners.push(look);
      look();
    });
  }

  remote(parts: Partial<RemoteStream> = {}): RemoteStream {
    return {
      rtp: { host: this.host, port: this.port },
      rtcp: null,
      rtcpMux: false,
      sends: true,
      receives: true,
      formats: [],
      ...parts,
    };
  }

  close(): void {
    this.#socket.close();
  }
}

export function isRtcp(packet: Buffer): boolean {
  return packet.length >= 8 && packet.readUInt8(1) >= 192 && packet.readUInt8(1) <= 223;
}

/** The code of the error that an action throws; null when it throws none. */
export function thrownCode(action: () => unknown): string | null {
  try {
    action();
    return null;
  } catch (error) {
    return isGatewayError(error) ? error.code : String(error);
  }
}

/** Looks until a condition holds. */
export async function eventually(isDone: () => boolean, what: string): Promise<void> {
  const deadlineMs = performance.now() + DEADLINE_MS;
  while (!isDone()) {
    if (performance.now() > deadlineMs) {
      throw new Error(`it did not come true: ${what}`);
    }
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

/** A promise for the first call of an event handler, with its arguments. */
export function firstCall<A extends unknown[]>(
  what: string,
): {
  handler: (...args: A) => void;
  called: Promise<A>;
} {
  let handler: (...args: A) => void = () => undefined;
  const called = new Promise<A>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what} did not come`)), DEADLINE_MS);
    handler = (...args) => {
      clearTimeout(timer);
      resolve(args);
    };
  });
  called.catch(() => undefined);
  return { handler: (...args) => handler(...args), called };
}

let barriers = 0;

/** Waits until every command given so far is in force: the worker carries commands out in order. */
export async function inForce(call: MediaCall): Promise<void> {
  const recordingId = `barrier ${barriers++}`;
  // Without a stream it has no port pair that could be ready.
  const barrier = await call.openRecording({
    recordingId,
    network: 'lo',
    gateOpen: false,
    streams: [],
  });
  await barrier.close({ drainMs: 0 });
}

let nextPort = 42_000;

/** A plane on loopback with ports that no other plane of the test uses. */
export function openPlane(
  backend: MediaPlane['backend'],
  parts: Partial<MediaPlaneOptions> = {},
  logger: Logger = noopLogger,
): Promise<MediaPlane> {
  const portMin = nextPort;
  nextPort += 200;
  return createMediaPlane({
    backend,
    workers: 1,
    networks: {
      lo: { bindHost: '127.0.0.1', advertisedHost: '127.0.0.1' },
      lo6: { bindHost: '::1', advertisedHost: '::1' },
    },
    portMin,
    portMax: portMin + 199,
    portQuarantineMs: 0,
    dscp: 46,
    mediaTimeoutMs: 0,
    ringBytes: 1 << 20,
    recordingCatchUpFactor: 3,
    logger,
    clock: systemClock,
    ...parts,
  });
}

/** Opens planes and the peers around them. */
export interface MediaStage {
  plane(): Promise<MediaPlane>;
  peer(): Promise<UdpPeer>;
}

/** For the tests of a block: what each of them opens is closed after it. */
export function mediaStage(backend: MediaPlane['backend']): MediaStage {
  const planes: MediaPlane[] = [];
  const peers: UdpPeer[] = [];

  afterEach(async () => {
    peers.splice(0).forEach(peer => peer.close());
    await Promise.all(planes.splice(0).map(plane => plane.close()));
  });

  return {
    plane: async () => {
      const plane = await openPlane(backend);
      planes.push(plane);
      return plane;
    },
    peer: async () => {
      const peer = await UdpPeer.open();
      peers.push(peer);
      return peer;
    },
  };
}
