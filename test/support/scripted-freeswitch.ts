import { randomUUID } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

import { encodeG711 } from '#media';

import { RawMessage, tagOf } from './raw-sip-peer';

const HOST = '127.0.0.1';
const LEAD_MS = 300;
const TONE_MS = 800;
const TAIL_MS = 400;

export interface FreeswitchScript {
  readonly secret: string;
  /** Hz that each `playback` or `speak` argument sounds like; unknown ones are FILE NOT FOUND. */
  readonly sounds: Readonly<Record<string, number>>;
  readonly codec: 'L16' | 'PCMU' | 'PCMA';
  /** Answer to every INVITE instead of 200. */
  readonly inviteStatus: number | null;
  /** What goes wrong while a prompt is played. */
  readonly playing: 'well' | 'hangs-up' | 'never-ends' | 'silent' | 'endless-audio';
  /** What its event socket does. */
  readonly eventSocket: 'well' | 'rude' | 'garbage' | 'flood' | 'mute' | 'no-profile';
}

const FORMATS = {
  L16: { payloadType: 97, rateHz: 16_000 },
  PCMU: { payloadType: 0, rateHz: 8000 },
  PCMA: { payloadType: 8, rateHz: 8000 },
} as const;

/**
 * The part of FreeSWITCH that drachtio-fsmrf needs, as its documentation and the library itself describe it: event socket,
 * SIP, the outbound event socket of a call, and tones as speech. No FreeSWITCH was at hand to compare with.
 */
export class ScriptedFreeswitch {
  readonly script: FreeswitchScript;
  /** Applications that were executed, with their arguments. */
  readonly executed: string[] = [];
  invites = 0;
  byes = 0;
  readonly #esl: Server;
  readonly #sip: UdpSocket;
  readonly #open = new Set<{ destroy(): void }>();

  static async start(script: Partial<FreeswitchScript> = {}): Promise<ScriptedFreeswitch> {
    const esl = createServer();
    esl.listen(0, HOST);
    await once(esl, 'listening');
    const sip = createSocket('udp4');
    sip.bind(0, HOST);
    await once(sip, 'listening');
    return new ScriptedFreeswitch(esl, sip, {
      secret: 'a secret',
      sounds: {},
      codec: 'L16',
      inviteStatus: null,
      playing: 'well',
      eventSocket: 'well',
      ...script,
    });
  }

  private constructor(esl: Server, sip: UdpSocket, script: FreeswitchScript) {
    this.#esl = esl;
    this.#sip = sip;
    this.script = script;
    esl.on('connection', socket => this.#onEventSocket(socket));
    sip.on('message', (bytes, from) => this.#onSip(new RawMessage(bytes.toString()), from));
  }

  get port(): number {
    return (this.#esl.address() as AddressInfo).port;
  }

  close(): void {
    this.#esl.close();
    this.#sip.close();
    this.#open.forEach(each => each.destroy());
  }

  #keep<T extends Socket>(socket: T): T {
    this.#open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#open.delete(socket));
    return socket;
  }

  #onEventSocket(socket: Socket): void {
    this.#keep(socket);
    const { eventSocket, secret } = this.script;
    if (eventSocket === 'mute') {
      return;
    }
    if (eventSocket === 'rude') {
      socket.end(
        'Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n',
      );
      return;
    }
    socket.write('Content-Type: auth/request\n\n');
    onCommands(socket, command => {
      const [verb = ''] = command.split(/[ \n]/);
      if (verb === 'auth') {
        const isRight = command === `auth ${secret}`;
        reply(socket, isRight ? '+OK accepted' : '-ERR invalid');
        if (isRight && eventSocket === 'garbage') {
          socket.write(
            'Content-Type: text/event-json\nContent-Length: 9\n\n{"oops": %%\nX: %E0%A4%A\n\n',
          );
        } else if (isRight && eventSocket === 'flood') {
          const flood = (): void => {
            while (socket.write(Buffer.alloc(65_536, 0x41))) {
              // Until it would block.
            }
          };
          socket.on('drain', flood);
          flood();
        }
      } else if (verb === 'api') {
        const name = eventSocket === 'no-profile' ? 'internal' : 'drachtio_mrf';
        const body = `${name}\tprofile\tsip:mod_sofia@${HOST}:${this.#sip.address().port}\tRUNNING (0)\n`;
        socket.write(
          `Content-Type: api/response\nContent-Length: ${Buffer.byteLength(body)}\n\n${body}`,
        );
      } else {
        reply(socket, '+OK');
      }
    });
  }

  #onSip(request: RawMessage, from: RemoteInfo): void {
    if (request.method === 'INVITE') {
      this.invites++;
      void this.#answer(request, from);
    } else if (request.method === 'BYE') {
      this.byes++;
      this.#respond(request, from, 200, 'OK', '', '');
    }
  }

  async #answer(invite: RawMessage, from: RemoteInfo): Promise<void> {
    const { inviteStatus, codec } = this.script;
    if (inviteStatus !== null) {
      this.#respond(invite, from, inviteStatus, 'No', 'x', '');
      return;
    }
    const rtp = createSocket('udp4');
    rtp.bind(0, HOST);
    await once(rtp, 'listening');
    const { payloadType, rateHz } = FORMATS[codec];
    const sdp = [
      'v=0',
      `o=FreeSWITCH 1 1 IN IP4 ${HOST}`,
      's=FreeSWITCH',
      `c=IN IP4 ${HOST}`,
      't=0 0',
      `m=audio ${rtp.address().port} RTP/AVP ${payloadType}`,
      `a=rtpmap:${payloadType} ${codec}/${rateHz}`,
      '',
    ].join('\r\n');
    this.#respond(invite, from, 200, 'OK', 'fs', sdp);
    const port = Number(/m=audio (\d+)/.exec(invite.body)?.[1]);
    this.#outbound(invite, from, new Speaker(rtp, port, codec));
  }

  /** The outbound event socket of the call: who we called tells us what to do. */
  #outbound(invite: RawMessage, from: RemoteInfo, speaker: Speaker): void {
    const [host = '', port = ''] = (invite.get('x-esl-outbound') ?? '').split(':');
    const socket = this.#keep(connect(Number(port), host));
    socket.on('close', () => speaker.close());
    const uuid = randomUUID();
    onCommands(socket, command => {
      if (command === 'connect') {
        const agent = encodeURIComponent(invite.get('user-agent') ?? '');
        socket.write(
          `Content-Type: command/reply\nReply-Text: +OK\nEvent-Name: CHANNEL_DATA\nUnique-ID: ${uuid}\n` +
            `Channel-Unique-ID: ${uuid}\nvariable_sip_user_agent: ${agent}\n\n`,
        );
        return;
      }
      reply(socket, '+OK');
      const field = (name: string): string =>
        new RegExp(`^${name}: (.*)$`, 'm').exec(command)?.[1] ?? '';
      const application = field('execute-app-name');
      if (application === 'playback' || application === 'speak') {
        this.executed.push(`${application} ${field('execute-app-arg')}`);
        this.#play(field('execute-app-arg'), speaker, {
          done: outcome => {
            const body = JSON.stringify({
              'Event-Name': 'CHANNEL_EXECUTE_COMPLETE',
              'Unique-ID': uuid,
              Application: application,
              'Application-UUID': field('Event-UUID'),
              'Application-Response': outcome,
            });
            socket.write(
              `Content-Type: text/event-json\nContent-Length: ${Buffer.byteLength(body)}\n\n${body}`,
            );
          },
          hangUp: () => {
            this.#bye(invite, from);
            socket.end();
          },
        });
      }
    });
  }

  #play(
    what: string,
    speaker: Speaker,
    call: { readonly done: (outcome: string) => void; readonly hangUp: () => void },
  ): void {
    const hz = this.script.sounds[what];
    if (hz === undefined) {
      call.done('FILE NOT FOUND');
      return;
    }
    switch (this.script.playing) {
      case 'well':
        speaker.say(hz, TONE_MS, () => call.done('FILE PLAYED'));
        break;
      case 'silent':
        speaker.say(0, TONE_MS, () => call.done('FILE PLAYED'));
        break;
      case 'hangs-up':
        speaker.say(hz, TONE_MS / 2, call.hangUp);
        break;
      case 'never-ends':
        speaker.say(hz, TONE_MS, () => undefined);
        break;
      case 'endless-audio':
        speaker.say(hz, 70_000, () => undefined);
        break;
    }
  }

  #bye(invite: RawMessage, from: RemoteInfo): void {
    const contact = /<([^>]+)>/.exec(invite.get('contact') ?? '')?.[1] ?? '';
    const lines = [
      `BYE ${contact} SIP/2.0`,
      `Via: SIP/2.0/UDP ${HOST}:${this.#sip.address().port};branch=z9hG4bK${randomUUID()}`,
      'Max-Forwards: 70',
      `From: ${invite.get('to') ?? ''};tag=fs`,
      `To: ${invite.get('from') ?? ''}`,
      `Call-ID: ${invite.get('call-id') ?? ''}`,
      'CSeq: 1 BYE',
      'Content-Length: 0',
      '',
      '',
    ];
    this.#sip.send(lines.join('\r\n'), from.port, from.address);
  }

  #respond(
    request: RawMessage,
    to: RemoteInfo,
    status: number,
    reason: string,
    tag: string,
    sdp: string,
  ): void {
    const own = tagOf(request.get('to')) === '' && tag !== '' ? `;tag=${tag}` : '';
    const lines = [
      `SIP/2.0 ${status} ${reason}`,
      `Via: ${request.get('via') ?? ''}`,
      `From: ${request.get('from') ?? ''}`,
      `To: ${request.get('to') ?? ''}${own}`,
      `Call-ID: ${request.get('call-id') ?? ''}`,
      `CSeq: ${request.get('cseq') ?? ''}`,
      `Contact: <sip:mod_sofia@${HOST}:${this.#sip.address().port}>`,
      ...(sdp === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${Buffer.byteLength(sdp)}`,
      '',
      sdp,
    ];
    this.#sip.send(lines.join('\r\n'), to.port, to.address);
  }
}

/** Sends tones as RTP, ten times as fast as they last. */
class Speaker {
  readonly #socket: UdpSocket;
  readonly #port: number;
  readonly #codec: FreeswitchScript['codec'];
  #timer: NodeJS.Timeout | null = null;
  #sequence = 1000;

  constructor(socket: UdpSocket, port: number, codec: FreeswitchScript['codec']) {
    this.#socket = socket;
    this.#port = port;
    this.#codec = codec;
  }

  say(hz: number, toneMs: number, done: () => void): void {
    const { rateHz } = FORMATS[this.#codec];
    const totalMs = LEAD_MS + toneMs + TAIL_MS;
    const samples = Int16Array.from({ length: (totalMs * rateHz) / 1000 }, (_, n) => {
      const atMs = (n * 1000) / rateHz;
      const isTone = atMs >= LEAD_MS && atMs < LEAD_MS + toneMs;
      return isTone ? Math.round(9000 * Math.sin((2 * Math.PI * hz * n) / rateHz)) : 0;
    });
    let at = 0;
    this.#timer = setInterval(() => {
      for (let burst = 0; burst < 4 && at < samples.length; burst++) {
        this.#send(samples.subarray(at, at + rateHz / 50), at);
        at += rateHz / 50;
      }
      if (at >= samples.length) {
        this.#stop();
        done();
      }
    }, 8);
  }

  close(): void {
    this.#stop();
    this.#socket.close();
  }

  #stop(): void {
    if (this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }

  #send(samples: Int16Array, timestamp: number): void {
    const header = Buffer.alloc(12);
    header[0] = 0x80;
    header[1] = FORMATS[this.#codec].payloadType;
    header.writeUInt16BE(this.#sequence++ & 0xffff, 2);
    header.writeUInt32BE(timestamp + 5000, 4);
    header.writeUInt32BE(0xfeed, 8);
    const payload =
      this.#codec === 'L16'
        ? Buffer.from(samples.slice().buffer).swap16()
        : Buffer.from(encodeG711(this.#codec, samples));
    this.#socket.send(Buffer.concat([header, payload]), this.#port, HOST);
  }
}

/** Commands of the event socket end in an empty line. */
function onCommands(socket: Socket, take: (command: string) => void): void {
  let text = '';
  socket.on('data', bytes => {
    text += bytes.toString();
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const command = text.slice(0, end).trim();
      text = text.slice(end + 2);
      if (command !== '') {
        take(command);
      }
    }
  });
}

function reply(socket: Socket, text: string): void {
  socket.write(`Content-Type: command/reply\nReply-Text: ${text}\n\n`);
}
