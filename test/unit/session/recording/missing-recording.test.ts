import { RECORDING_EVENT_KINDS, type RecordingEventView } from '../../../../src/session';
import { missingReason } from '../../../../src/session/recording/missing-recording';

function event(
  kind: RecordingEventView['kind'],
  facts: RecordingEventView['facts'] = {},
): RecordingEventView {
  return {
    kind,
    atMs: 0,
    callId: 'call-1',
    recordingId: null,
    userId: null,
    organisationId: null,
    providerId: 'lab',
    facts,
  };
}

describe('missingReason', () => {
  test('of all events, only these say that a call which must be recorded is not', () => {
    expect(RECORDING_EVENT_KINDS.filter(kind => missingReason(event(kind)) !== null)).toEqual([
      'recording.lost',
      'recording.failed',
    ]);
  });

  test('names the reason that the event gives', () => {
    expect(missingReason(event('recording.failed', { reason: 'srs-refused' }))).toBe('srs-refused');
    expect(missingReason(event('recording.failed', { reason: '' }))).toBe('failed');
  });

  test('terms that nobody accepted are missing recordings; a policy that forbids them is not', () => {
    expect(missingReason(event('recording.not-recorded', { reason: 'terms' }))).toBe('terms');
    expect(missingReason(event('recording.not-recorded', { reason: 'policy' }))).toBeNull();
  });
});
