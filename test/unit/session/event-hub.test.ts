import { EventHub, type RecordingEventView } from '../../../src/session';

const EVENT: RecordingEventView = {
  kind: 'call.started',
  atMs: 1,
  callId: 'call-1',
  recordingId: null,
  userId: null,
  organisationId: null,
  providerId: null,
  facts: {},
};

describe('EventHub', () => {
  test('tells everybody who listens, and nobody who has ceased to', () => {
    const hub = new EventHub();
    const heard: string[] = [];
    const stop = hub.listen(() => heard.push('first'));
    hub.listen(() => heard.push('second'));
    hub.emit(EVENT);
    stop();
    stop();
    hub.emit(EVENT);
    expect(heard).toEqual(['first', 'second', 'second']);
  });

  test('a listener that throws keeps nothing from the others', () => {
    const errors: unknown[] = [];
    const hub = new EventHub(error => errors.push(error));
    const heard: RecordingEventView[] = [];
    const failure = new Error('no room');
    hub.listen(() => {
      throw failure;
    });
    hub.listen(event => heard.push(event));
    hub.emit(EVENT);
    expect(heard).toEqual([EVENT]);
    expect(errors).toEqual([failure]);
  });
});
