import { parseSdp } from '../../../../sip/sdp/session-description';
import { type DescribedStream, streamAgreements } from '../../../../sip/sdp/stream-agreements';

function stream(rtcpMux: boolean, formats: string, ...lines: string[]): DescribedStream {
  const description = parseSdp(
    [
      'v=0',
      'o=a 1 1 IN IP4 192.0.2.9',
      's=-',
      'c=IN IP4 192.0.2.9',
      't=0 0',
      `m=audio 5000 RTP/AVP ${formats}`,
      ...lines,
      '',
    ].join('\r\n'),
  );
  return { description, media: description.media[0]!, rtcpMux };
}

test('each peer sends with the numbers that it was told, and hears what the other states', () => {
  const offer = stream(true, '0 101', 'a=rtpmap:101 telephone-event/8000', 'a=sendonly');
  const answer = stream(false, '0 96', 'a=rtpmap:96 telephone-event/8000', 'a=recvonly');
  const { withOfferer, withAnswerer } = streamAgreements(offer, answer);
  expect(withOfferer.formats.map(({ payloadType }) => payloadType)).toEqual([0, 96]);
  expect(withAnswerer.formats.map(({ payloadType }) => payloadType)).toEqual([0, 101]);
  expect([withOfferer.rtcpMux, withAnswerer.rtcpMux]).toEqual([true, false]);
  expect(withOfferer.ours).toEqual({ sends: false, receives: true });
  expect(withAnswerer.ours).toEqual({ sends: true, receives: false });
});

test('formats that were never offered are taken all the same', () => {
  const { withOfferer, withAnswerer } = streamAgreements(stream(false, '0'), stream(false, '8'));
  expect(withOfferer.formats.map(({ encoding }) => encoding)).toEqual(['PCMA']);
  expect(withAnswerer.formats.map(({ encoding }) => encoding)).toEqual(['PCMA']);
});
