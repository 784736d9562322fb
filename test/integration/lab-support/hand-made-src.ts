import { randomUUID } from 'node:crypto';
import { noopLogger, systemClock } from '#core';
import {
  HeaderList,
  makeRequest,
  makeResponse,
  type MessageSource,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from '#sip/engine';
import { tone } from '../../../src/lab/audio/tone';
import { buildReport, parseRtcp, type RtcpFacts } from '../../../src/lab/rtp/rtcp';
import { RtpSender } from '../../../src/lab/rtp/rtp-sender';
import { RtpSocketPair } from '../../../src/lab/rtp/rtp-socket';
import { Dialog, dialogOfResponse, newTag } from '../../../src/lab/sip/dialog';
import { parseSdp } from '../../../src/lab/sip/sdp';
import { type IncomingRequest, SipEndpoint, targetOf } from '../../../src/lab/sip/sip-endpoint';
import { Waiters } from '../../../src/lab/waiters';

const IDS = {
  session: 'AAAAAAAAAAAAAAAAAAAAAQ==',
  alice: 'AAAAAAAAAAAAAAAAAAAAAg==',
  bob: 'AAAAAAAAAAAAAAAAAAAAAw==',
  stream1: 'AAAAAAAAAAAAAAAAAAAABA==',
  stream2: 'AAAAAAAAAAAAAAAAAAAABQ==',
};

/** A document as RFC 7865 wants it, written by hand. */
export function metadataDocument(dataMode: 'complete' | 'partial' = 'complete'): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<recording xmlns="urn:ietf:params:xml:ns:recording:1">',
    `<datamode>${dataMode}</datamode>`,
    `<session session_id="${IDS.session}"><start-time>2026-01-01T10:00:00.000Z</start-time></session>`,
    `<participant participant_id="${IDS.alice}"><nameID aor="sip:alice@example.com"><name>Alice</name></nameID></participant>`,
    `<participant participant_id="${IDS.bob}"><nameID aor="sip:bob@example.com"/></participant>`,
    `<stream stream_id="${IDS.stream1}" session_id="${IDS.session}"><label>1</label></stream>`,
    `<stream stream_id="${IDS.stream2}" session_id="${IDS.session}"><label>2</label></stream>`,
    `<sessionrecordingassoc session_id="${IDS.session}"><associate-time>2026-01-01T10:00:00.000Z</associate-time></sessionrecordingassoc>`,
    `<participantsessionassoc participant_id="${IDS.alice}" session_id="${IDS.session}"><associate-time>2026-01-01T10:00:00.000Z</associate-time></participantsessionassoc>`,
    `<participantsessionassoc participant_id="${IDS.bob}" session_id="${IDS.session}"><associate-time>2026-01-01T10:00:00.000Z</associate-time></participantsessionassoc>`,
    `<participantstreamassoc participant_id="${IDS.alice}"><send>${IDS.stream1}</send><recv>${IDS.stream2}</recv></participantstreamassoc>`,
    `<participantstreamassoc participant_id="${IDS.bob}"><send>${IDS.stream2}</send><recv>${IDS.stream1}</recv></participantstreamassoc>`,
    '</recording>',
  ].join('\r\n');
}

export interface MessageOptions {
  readonly sdp?: string | null;
  readonly metadata?: string | null;
  readonly metadataType?: string;
  readonly disposition?: string | null;
  readonly order?: 'sdp-first' | 'metadata-first';
  readonly contact?: string;
  readonly require?: string | null;
  readonly accept?: string | null;
  readonly withoutClosing?: boolean;
  readonly withoutAck?: boolean;
}

interface Stream {
  readonly sockets: RtpSocketPair;
  readonly sender: RtpSender;
}

/** A session recording client made by hand: everything that it says can be made wrong. */
export class HandMadeSrc {
  readonly callId = randomUUID();
  readonly localTag = newTag();
  readonly streams: Stream[] = [];
  /** Requests of the SRS inside the dialog. */
  readonly requests: SipRequest[] = [];
  readonly rtcp: RtcpFacts[] = [];
  readonly provisionals: number[] = [];
  /** Everything that came by SIP. */
  readonly received: SipMessage[] = [];
  readonly waiters = new Waiters(systemClock);
  dialog: Dialog | null = null;
  answer: SipResponse | null = null;
  sdpVersion = 1;
  /** Answers requests of the SRS; default 200, and recvonly becomes sendonly. */
  respondTo: ((incoming: IncomingRequest) => boolean) | null = null;
  #cancel: (() => void) | null = null;

  private constructor(
    readonly endpoint: SipEndpoint,
    readonly transport: 'udp' | 'tcp',
  ) {}

  /** @param tonesHz what streams 1 and 2 play. */
  static async open(
    transport: 'udp' | 'tcp',
    tonesHz: readonly [number, number] = [500, 900],
  ): Promise<HandMadeSrc> {
    let src: HandMadeSrc | null = null;
    const endpoint = await SipEndpoint.open({
      clock: systemClock,
      logger: noopLogger,
      listeners: [{ transport, host: '127.0.0.1', port: 0 }],
      timers: { t1Ms: 50, t2Ms: 200, t4Ms: 200 },
      onRequest: incoming => incoming.transaction.respond(makeResponse(incoming.request, 481)),
      onReceived: (message: SipMessage, _source: MessageSource) => {
        src?.received.push(message);
        src?.waiters.check();
      },
    });
    src = new HandMadeSrc(endpoint, transport);
    const created = src;
    for (const hz of tonesHz) {
      const sockets = await RtpSocketPair.open('127.0.0.1', systemClock, {
        rtp: () => undefined,
        rtcp: datagram => {
          const facts = parseRtcp(datagram);
          if (facts !== null) {
            created.rtcp.push(facts);
            created.waiters.check();
          }
        },
      });
      const index = created.streams.length;
      const sender = new RtpSender({
        clock: systemClock,
        source: tone({ hz }),
        encoding: 'PCMU',
        payloadType: 0,
        eventPayloadType: 101,
        send: packet => {
          const to = created.mediaTarget(index, 'rtp');
          if (to !== null) {
            sockets.sendRtp(packet, to);
          }
        },
      });
      created.streams.push({ sockets, sender });
    }
    return created;
  }

  get contact(): string {
    return `<${this.endpoint.uri('src', this.transport)}>;+sip.src`;
  }

  mediaTarget(index: number, kind: 'rtp' | 'rtcp'): { host: string; port: number } | null {
    const body = this.answer?.body.toString('utf8') ?? '';
    return body === '' ? null : (parseSdp(body).media[index]?.[kind] ?? null);
  }

  sdp(direction = 'sendonly', edit: (line: string) => string = line => line): string {
    const media = this.streams.flatMap(({ sockets }, n) => [
      `m=audio ${sockets.local.rtp.port} RTP/AVP 0 8 101`,
      'a=rtpmap:101 telephone-event/8000',
      `a=${direction}`,
      `a=label:${n + 1}`,
    ]);
    const lines = [
      'v=0',
      `o=src 77 ${this.sdpVersion} IN IP4 127.0.0.1`,
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      ...media,
    ];
    return `${lines
      .map(edit)
      .filter(line => line !== '')
      .join('\r\n')}\r\n`;
  }

  /** Headers and body of a message with SDP, metadata or both. */
  content(options: MessageOptions): { headers: HeaderList; body: string } {
    const { sdp = null, metadata = null, metadataType = 'application/rs-metadata+xml' } = options;
    const disposition =
      options.disposition === undefined ? 'recording-session' : options.disposition;
    const headers = new HeaderList();
    const sdpPart = sdp === null ? null : `Content-Type: application/sdp\r\n\r\n${sdp}`;
    const metadataPart =
      metadata === null
        ? null
        : `Content-Type: ${metadataType}\r\n${disposition === null ? '' : `Content-Disposition: ${disposition}\r\n`}\r\n${metadata}`;
    if (sdpPart !== null && metadataPart !== null) {
      const parts = [sdpPart, metadataPart];
      const ordered = options.order === 'metadata-first' ? parts.reverse() : parts;
      headers.append('Content-Type', 'multipart/mixed;boundary=b0');
      const end = options.withoutClosing === true ? '' : '\r\n--b0--\r\n';
      return { headers, body: `${ordered.map(part => `--b0\r\n${part}`).join('\r\n')}${end}` };
    }
    if (sdp !== null) {
      headers.append('Content-Type', 'application/sdp');
      return { headers, body: sdp };
    }
    if (metadata !== null) {
      headers.append('Content-Type', metadataType);
      if (disposition !== null) {
        headers.append('Content-Disposition', disposition);
      }
    }
    return { headers, body: metadata ?? '' };
  }

  /** Invites the SRS; acknowledges a 2xx. By default everything is as it should be. */
  async invite(srsUri: string, options: MessageOptions = {}): Promise<SipResponse> {
    const { headers, body } = this.content({
      sdp: this.sdp(),
      metadata: metadataDocument(),
      ...options,
    });
    const all = HeaderList.of(
      ['Max-Forwards', '70'],
      ['From', `<sip:src@127.0.0.1>;tag=${this.localTag}`],
      ['To', `<${srsUri}>`],
      ['Call-ID', this.callId],
      ['CSeq', '101 INVITE'],
      ['Contact', options.contact ?? this.contact],
    );
    const { require = 'siprec', accept = 'application/sdp, application/rs-metadata' } = options;
    if (require !== null) {
      all.append('Require', require);
    }
    if (accept !== null) {
      all.append('Accept', accept);
    }
    for (const entry of headers.entries()) {
      all.appendEntry(entry);
    }
    const invite = makeRequest('INVITE', srsUri, all, body);
    this.endpoint.own(this.callId, this.localTag, {
      onRequest: incoming => this.#onRequest(incoming),
      onAck: request => this.dialog?.ack(request),
      onRepeatedResponse: response => this.dialog?.repeatedResponse(response),
    });
    const sent = this.endpoint.request(invite, targetOf(srsUri, this.transport), {
      onProvisional: response => {
        this.provisionals.push(response.status);
        this.waiters.check();
      },
    });
    this.#cancel = () => this.endpoint.cancel(sent.transaction);
    const response = await sent.response;
    if (response.status < 300) {
      this.answer = response;
      this.dialog = new Dialog(
        this.endpoint,
        dialogOfResponse(invite, response, this.transport),
        options.contact ?? this.contact,
      );
      if (options.withoutAck !== true) {
        this.dialog.acknowledge(101);
      }
    }
    return response;
  }

  /** The same dialog, its next request two numbers further. */
  skipCSeq(): Dialog {
    if (this.dialog === null) {
      throw new Error('there is no dialog');
    }
    const { state } = this.dialog;
    return new Dialog(this.endpoint, { ...state, localCSeq: state.localCSeq + 2 }, this.contact);
  }

  cancel(): void {
    this.#cancel?.();
  }

  /** A request in the dialog. */
  async send(method: string, options: MessageOptions = {}): Promise<SipResponse> {
    if (this.dialog === null) {
      throw new Error('there is no dialog');
    }
    const response = await this.dialog.request(method, this.content(options));
    if (method === 'INVITE' && response.status < 300) {
      this.answer = response;
    }
    return response;
  }

  startMedia(): void {
    for (const { sender } of this.streams) {
      sender.start();
    }
  }

  stopMedia(): void {
    for (const { sender } of this.streams) {
      sender.stop();
    }
  }

  /** One sender report per stream. */
  sendReports(): void {
    for (const [n, { sender, sockets }] of this.streams.entries()) {
      const to = this.mediaTarget(n, 'rtcp');
      const sending = sender.report();
      if (to !== null && sending !== null) {
        const report = buildReport({ ssrc: sender.ssrc, cname: `s${n}@src`, blocks: [], sending });
        sockets.sendRtcp(report, to, false);
      }
    }
  }

  async until(isSo: () => boolean, what: string, deadlineMs = 10_000): Promise<void> {
    await this.waiters.until(isSo, deadlineMs, what);
  }

  async close(): Promise<void> {
    this.stopMedia();
    this.dialog?.end();
    await Promise.all(this.streams.map(({ sockets }) => sockets.close()));
    await this.endpoint.close();
  }

  #onRequest(incoming: IncomingRequest): void {
    const { request, transaction } = incoming;
    this.requests.push(request);
    this.dialog?.accept(request);
    this.waiters.check();
    if (this.respondTo?.(incoming) === true) {
      return;
    }
    const headers = HeaderList.of(['Contact', this.contact]);
    if (request.method === 'INVITE') {
      this.sdpVersion += 1;
      headers.append('Content-Type', 'application/sdp');
      const body = this.sdp('sendonly');
      this.answer = { ...(this.answer ?? makeResponse(request, 200)), body: request.body };
      void this.dialog?.respondReliably(incoming, makeResponse(request, 200, { headers, body }));
      return;
    }
    transaction.respond(makeResponse(request, 200, { headers }));
  }
}
