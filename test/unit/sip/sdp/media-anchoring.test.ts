import { CallMedia } from '../../../../sip/call-media';
import { anchorDescription, findAnchorableMedia } from '../../../../sip/sdp/media-anchoring';
import { type LegRole, type RemoteStream } from '#core';
import { isSipError, parseSdp, SdpOrigin } from '#sip';

const ids = { uuid: () => '00000000-0000-07b0-0000-000000000000' };
const LOCAL = {
  rtp: { host: '192.0.2.1', port: 4_000 },
  rtcp: { host: '192.0.2.1', port: 4_001 },
};

function anchor(
  text: string,
  options: { mux?: boolean; index?: number; shape?: string } = {},
): string {
  const origin = new SdpOrigin(ids);
  const shape = options.shape === undefined ? undefined : parseSdp(options.shape);
  const side = { local: LOCAL, origin, rtcpMux: options.mux === true };
  return anchorDescription(parseSdp(text), options.index ?? 0, side, shape);
}

function offer(...lines: string[]): string {
  return ['v=0', 'o=a 1 1 IN IP4 10.0.0.1', 's=x', 'c=IN IP4 10.0.0.1', 't=0 0', ...lines, ''].join(
    '\r\n',
  );
}

describe('anchoring a description', () => {
  it('puts our address in place of the peer’s and keeps everything else', () => {
    expect(
      anchor(
        offer(
          'b=AS:64',
          'a=tool:x',
          'm=audio 5000 RTP/AVP 0 101',
          'c=IN IP4 10.0.0.2',
          'a=rtcp:5005',
          'a=rtpmap:101 telephone-event/8000',
          'a=x-unknown',
          'a=ptime:20',
        ),
      ),
    ).toBe(
      [
        'v=0',
        'o=- 123 1 IN IP4 192.0.2.1',
        's=x',
        'c=IN IP4 192.0.2.1',
        't=0 0',
        'b=AS:64',
        'a=tool:x',
        'm=audio 4000 RTP/AVP 0 101',
        'a=rtpmap:101 telephone-event/8000',
        'a=x-unknown',
        'a=ptime:20',
        '',
      ].join('\r\n'),
    );
  });

  it('leaves no trace of ICE, BUNDLE, keys and sources', () => {
    const text = anchor(
      offer(
        'a=group:BUNDLE 0',
        'a=ice-lite',
        'a=msid-semantic: WMS x',
        'm=audio 5000 RTP/AVPF 0',
        'a=mid:0',
        'a=ice-ufrag:x',
        'a=ice-pwd:y',
        'a=ice-options:trickle',
        'a=candidate:1 1 UDP 1 10.0.0.9 9 typ host',
        'a=end-of-candidates',
        'a=rtcp-mux',
        'a=ssrc:1 cname:x',
        'a=msid:a b',
        'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:secret',
        'a=fingerprint:sha-256 AA',
        'a=setup:actpass',
        'k=clear:secret',
        'a=sendrecv',
      ),
    );
    expect(text.split('\r\n').slice(5)).toEqual(['m=audio 4000 RTP/AVPF 0', 'a=sendrecv', '']);
  });

  it('refuses every other m-line in its place', () => {
    const text = anchor(
      offer(
        'm=video 6000 RTP/AVP 31',
        'a=rtpmap:31 H261/90000',
        'm=audio 5000 RTP/AVP 0',
        'm=audio 5002 RTP/AVP 8',
      ),
      { index: 1 },
    );
    expect(text.match(/m=.*/g)).toEqual([
      'm=video 0 RTP/AVP 31',
      'm=audio 4000 RTP/AVP 0',
      'm=audio 0 RTP/AVP 8',
    ]);
    expect(text).not.toContain('H261');
  });

  it('gives an answer the m-lines of its offer, even when the answerer left some out', () => {
    const text = anchor(offer('m=audio 5000 RTP/AVP 0'), {
      shape: offer('m=audio 1 RTP/AVP 0', 'm=video 2 RTP/AVP 31'),
    });
    expect(text.match(/m=.*/g)).toEqual(['m=audio 4000 RTP/AVP 0', 'm=video 0 RTP/AVP 31']);
  });

  it('says where RTCP is when it is not on the next port, and mux instead when agreed', () => {
    const side = { ...LOCAL, rtcp: { host: '192.0.2.1', port: 4_009 } };
    const description = parseSdp(offer('m=audio 5000 RTP/AVP 0'));
    const origin = new SdpOrigin(ids);
    expect(anchorDescription(description, 0, { local: side, origin, rtcpMux: false })).toContain(
      'a=rtcp:4009\r\n',
    );
    expect(anchor(offer('m=audio 5000 RTP/AVP 0'), { mux: true })).toContain('a=rtcp-mux\r\n');
  });

  it('raises the version only when something has changed', () => {
    const side = { local: LOCAL, origin: new SdpOrigin(ids), rtcpMux: false };
    const versions = [
      offer('m=audio 5000 RTP/AVP 0'),
      offer('m=audio 5002 RTP/AVP 0'),
      offer('m=audio 5002 RTP/AVP 8'),
      offer('m=audio 5002 RTP/AVP 8'),
    ].map(text => /o=- 123 (\d+)/.exec(anchorDescription(parseSdp(text), 0, side))?.[1]);
    expect(versions).toEqual(['1', '1', '2', '2']);
  });

  it.each([
    [['m=audio 1 RTP/AVP 0'], { index: 0, reason: null }],
    [['m=audio 1 RTP/SAVP 0', 'm=audio 1 RTP/AVP 0'], { index: 1, reason: null }],
    [['m=audio 1 RTP/SAVP 0'], { index: null, reason: 'srtp-only' }],
    [['m=audio 0 RTP/AVP 0'], { index: null, reason: 'no-audio' }],
    [['m=video 1 RTP/AVP 31'], { index: null, reason: 'no-audio' }],
    [[], { index: null, reason: 'no-audio' }],
  ])('finds in %j what goes through us: %j', (lines, expected) => {
    expect(findAnchorableMedia(parseSdp(offer(...lines)))).toEqual(expected);
  });
});

describe('the media of a call', () => {
  function callMedia(srtpOnly: 'reject' | 'pass-unanchored' = 'reject'): {
    media: CallMedia;
    told: [LegRole, RemoteStream][];
    unanchored: string[];
  } {
    const told: [LegRole, RemoteStream][] = [];
    const unanchored: string[] = [];
    const media = new CallMedia({
      ids,
      srtpOnly,
      events: {
        remoteStream: (role, stream) => told.push([role, stream]),
        notAnchored: reason => unanchored.push(reason),
      },
    });
    media.setLocal('caller', LOCAL);
    media.setLocal('callee', { ...LOCAL, rtp: { host: '192.0.2.1', port: 6_000 } });
    return { media, told, unanchored };
  }

  it('tells each peer’s stream when it changes, and only then', () => {
    const { media, told } = callMedia();
    media.offer('caller', offer('m=audio 5000 RTP/AVP 0 8'));
    media.answer('callee', offer('m=audio 7000 RTP/AVP 8'), false);
    media.answer('callee', offer('m=audio 7000 RTP/AVP 8'), true);
    expect(told.map(([role, stream]) => [role, stream.formats.map(each => each.encoding)])).toEqual(
      [
        ['caller', []],
        ['caller', ['PCMA']],
        ['callee', ['PCMA']],
      ],
    );
  });

  it('numbers the formats of a peer as that peer sends them', () => {
    const { media, told } = callMedia();
    media.offer('caller', offer('m=audio 5000 RTP/AVP 96', 'a=rtpmap:96 opus/48000/2'));
    media.answer('callee', offer('m=audio 7000 RTP/AVP 111', 'a=rtpmap:111 OPUS/48000/2'), true);
    const numbers = told.slice(1).map(([role, stream]) => [role, stream.formats[0]?.payloadType]);
    // The caller was told 111 by the answer, the callee 96 by the offer.
    expect(numbers).toEqual([
      ['caller', 111],
      ['callee', 96],
    ]);
  });

  it('agrees on rtcp-mux with each leg by itself', () => {
    const { media, told } = callMedia();
    const offered = media.offer('caller', offer('m=audio 5000 RTP/AVP 0', 'a=rtcp-mux'));
    expect(offered).not.toContain('rtcp-mux');
    const answered = media.answer('callee', offer('m=audio 7000 RTP/AVP 0'), true);
    expect(answered).toContain('a=rtcp-mux\r\n');
    expect(told.map(([role, stream]) => [role, stream.rtcpMux])).toEqual([
      ['caller', false],
      ['caller', true],
      ['callee', false],
    ]);
    // A later offer of the callee reaches the caller with mux, because the caller offered it before.
    expect(media.offer('callee', offer('m=audio 7002 RTP/AVP 0'))).toContain('a=rtcp-mux');
  });

  it('lets a peer send and receive what both directions allow', () => {
    const { media, told } = callMedia();
    media.offer('caller', offer('m=audio 5000 RTP/AVP 0', 'a=sendonly'));
    media.answer('callee', offer('m=audio 7000 RTP/AVP 0', 'a=recvonly'), true);
    expect(told.at(-2)?.[1]).toMatchObject({ sends: true, receives: false });
    expect(told.at(-1)?.[1]).toMatchObject({ sends: false, receives: true });
  });

  it('gives no address for port 0 and for 0.0.0.0', () => {
    const { media, told } = callMedia();
    media.offer(
      'caller',
      offer('m=audio 5000 RTP/AVP 0').replace('c=IN IP4 10.0.0.1', 'c=IN IP4 0.0.0.0'),
    );
    media.answer('callee', offer('m=audio 0 RTP/AVP 0'), true);
    expect(told.at(-2)?.[1]).toMatchObject({ rtp: null, receives: false });
    expect(told.at(-1)?.[1]).toMatchObject({ rtp: null, sends: false, receives: false });
  });

  it('refuses what cannot be anchored, or passes it when told so', () => {
    const srtp = offer('m=audio 5000 RTP/SAVP 0');
    const refusing = callMedia();
    expect(() => refusing.media.offer('caller', srtp)).toThrow(/plain RTP/);
    const passing = callMedia('pass-unanchored');
    expect(passing.media.offer('caller', srtp)).toBe(srtp);
    expect(passing.media.answer('callee', srtp, true)).toBe(srtp);
    expect(passing.unanchored).toEqual(['srtp-only']);
    expect(passing.told).toEqual([]);
  });

  it('refuses an answer without the anchored m-line', () => {
    const { media } = callMedia();
    media.offer('caller', offer('m=video 1 RTP/AVP 31', 'm=audio 5000 RTP/AVP 0'));
    let error: unknown = null;
    try {
      media.answer('callee', offer('m=video 0 RTP/AVP 31'), true);
    } catch (caught) {
      error = caught;
    }
    expect(isSipError(error, 'REC_ERR_SIP_BAD_ANSWER')).toBe(true);
  });

  it('states what is in force again, with a new version', () => {
    const { media } = callMedia();
    const first = media.offer('caller', offer('m=audio 5000 RTP/AVP 0'));
    media.answer('callee', offer('m=audio 7000 RTP/AVP 0'), true);
    const hold = media.offer('caller', offer('m=audio 5000 RTP/AVP 0', 'a=sendonly'));
    media.abandon();
    const again = media.restate('callee') ?? '';
    expect(hold).toContain(' 2 IN IP4');
    expect(again).toBe(first.replace(' 1 IN IP4', ' 3 IN IP4'));
  });
});
