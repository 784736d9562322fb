import { PCMA, PCMU } from '#core';
import { StreamOffers } from '../../../../src/session/recording-session/stream-offers';
import { endpoint, FORMATS } from './recording-session-bench';

const STREAMS = [
  { label: '1', local: endpoint(5000), ssrc: 1, cname: 'a' },
  { label: '2', local: endpoint(5002), ssrc: 2, cname: 'b' },
];

test('offers each stream with its formats, its port and the direction of the gate', () => {
  const offers = new StreamOffers({ streams: STREAMS, direction: () => 'sendonly' });
  offers.setFormats(FORMATS);
  expect(offers.make()).toEqual([
    { label: '1', local: endpoint(5000), formats: [PCMU], direction: 'sendonly' },
    { label: '2', local: endpoint(5002), formats: [PCMA], direction: 'sendonly' },
  ]);
});

test('a stream whose sender is held is inactive, the other not', () => {
  const offers = new StreamOffers({
    streams: STREAMS,
    isHeld: index => index === 1,
    direction: () => 'sendonly',
  });
  expect(offers.make().map(({ direction }) => direction)).toEqual(['sendonly', 'inactive']);
});

test('suites are offered where there are any', () => {
  let suites: ('AES_CM_128_HMAC_SHA1_80' | 'AEAD_AES_256_GCM')[] = [];
  const offers = new StreamOffers({
    streams: STREAMS,
    srtpSuites: () => suites,
    direction: () => 'sendonly',
  });
  expect(offers.make()[0]).not.toHaveProperty('srtpSuites');
  suites = ['AEAD_AES_256_GCM'];
  expect(offers.make()[0]).toMatchObject({ srtpSuites: suites });
});

test('has changed when the next offer would differ from the last one that was made', () => {
  let direction: 'sendonly' | 'inactive' = 'sendonly';
  const offers = new StreamOffers({ streams: STREAMS, direction: () => direction });
  offers.setFormats(FORMATS);
  expect(offers.hasChanged).toBe(true);
  offers.make();
  expect(offers.hasChanged).toBe(false);
  direction = 'inactive';
  expect(offers.hasChanged).toBe(true);
  direction = 'sendonly';
  offers.setFormats([[PCMU], [PCMU]]);
  expect(offers.hasChanged).toBe(true);
  offers.make();
  expect(offers.hasChanged).toBe(false);
});
