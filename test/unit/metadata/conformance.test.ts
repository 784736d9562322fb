import {
  applyMetadata,
  checkMetadata,
  type ConformanceContext,
  parseMetadata,
  type RecordingMetadata,
  type SrsView,
  toXml,
} from '#metadata';
import { basicCall, fixture, START_MS } from './scenario';

const BASIC = fixture('basic-call-complete.xml');
const SESSION = 'AAAAAAAAQACAAAAAAAAAAQ==';
const ALICE = 'AAAAAAAAQACAAAAAAAAAAg==';
const BOB_STREAM = 'AAAAAAAAQACAAAAAAAAABQ==';
const NOBODY = '/////////////////////w==';

/** Clause and path of each deviation. */
function found(xml: string, context?: ConformanceContext): string[] {
  return checkMetadata(xml, context).map(({ clause, path }) => `${clause} ${path}`);
}

function viewAfter(xml: string): SrsView {
  return applyMetadata(null, parseMetadata(xml).document as RecordingMetadata);
}

describe('checkMetadata', () => {
  test('finds nothing in a good document with the labels of its SDP', () => {
    expect(found(BASIC, { previous: null, sdpLabels: ['1', '2'] })).toEqual([]);
    expect(found(fixture('snapshot-request.xml'))).toEqual([]);
  });

  test('passes on what the reader finds', () => {
    expect(found(BASIC.replaceAll('datamode>', 'dataMode>'))).toEqual([
      'RFC 7865 §9 /recording/dataMode[1]',
    ]);
    const parsed = parseMetadata(BASIC.replace('10:00:00.000Z', '10:00:00.000z'));
    expect(checkMetadata(parsed).map(({ clause }) => clause)).toEqual(['RFC 7865 §6.9']);
  });

  test('an id that stands for two things, in one document or in two', () => {
    const participantAsStream = BASIC.replaceAll(BOB_STREAM, ALICE);
    expect(found(participantAsStream)).toEqual(['RFC 7865 §6.10 /recording/stream[2]']);
    const previous = viewAfter(BASIC);
    const streamAsParticipant = BASIC.replaceAll(ALICE, 'X').replaceAll(BOB_STREAM, ALICE);
    expect(found(streamAsParticipant.replaceAll('"X"', `"${NOBODY}"`), { previous })).toEqual([
      'RFC 7865 §6.10 /recording/stream[2]',
    ]);
  });

  test('references that lead nowhere', () => {
    expect(found(BASIC.replace(`<recv>${BOB_STREAM}`, `<recv>${NOBODY}`))).toEqual([
      'RFC 7865 §6.8.1 /recording/participantstreamassoc[1]',
    ]);
    expect(
      found(BASIC.replace(`session session_id="${SESSION}`, `session session_id="${NOBODY}`)),
    ).toEqual([
      'RFC 7865 §6.7.1 /recording/stream[1]',
      'RFC 7865 §6.7.1 /recording/stream[2]',
      'RFC 7865 §6.4.1 /recording/sessionrecordingassoc[1]',
      'RFC 7865 §6.6.1 /recording/participantsessionassoc[1]',
      'RFC 7865 §6.6.1 /recording/participantsessionassoc[2]',
    ]);
    expect(
      found(BASIC.replace('<start-time>', `<group-ref>${NOBODY}</group-ref><start-time>`)),
    ).toEqual(['RFC 7865 §6.3.1 /recording/session[1]']);
  });

  test('a partial update refers to what is known already, and to nothing else', () => {
    const hold = fixture('hold-partial.xml');
    expect(found(hold, { previous: viewAfter(BASIC) })).toEqual([]);
    expect(found(hold.replace(ALICE, NOBODY), { previous: viewAfter(BASIC) })).toEqual([
      'RFC 7865 §6.8.1 /recording/participantstreamassoc[1]',
    ]);
  });

  test('a partial update before any complete document', () => {
    const hold = fixture('hold-partial.xml');
    expect(found(hold, { previous: null })).toEqual(['RFC 7866 §9.1 /recording']);
    expect(found(hold)).toEqual([]);
  });

  test('labels and SDP describe each other', () => {
    expect(found(BASIC, { sdpLabels: ['1', '3'] })).toEqual([
      'RFC 7866 §9.1 /recording/stream[2]',
      'RFC 7865 §6.7.1 /recording',
    ]);
    expect(found(BASIC, { sdpLabels: [] })).toHaveLength(2);
    expect(found(BASIC.replace('<label>2<', '<label>1<'))).toEqual([
      'RFC 7865 §6.7.1 /recording/stream[2]',
    ]);
    expect(found(BASIC.replace('<label>2<', '<label>a b<'))).toEqual([
      'RFC 4574 §4 /recording/stream[2]',
    ]);
  });

  test('what ends before it begins', () => {
    const { tracker } = basicCall();
    tracker.sessionEnded(START_MS - 1);
    expect(found(toXml(tracker.complete()).xml)).toEqual([
      'RFC 7865 §6.3.1 /recording/session[1]',
      'RFC 7865 §6.4.1 /recording/sessionrecordingassoc[1]',
      'RFC 7865 §6.6.1 /recording/participantsessionassoc[1]',
      'RFC 7865 §6.6.1 /recording/participantsessionassoc[2]',
    ]);
  });

  test.each([
    ['sip:alice@example.com', true],
    ['sips:alice@[2001:db8::1]:5061;user=phone', true],
    ['tel:+4930123456', true],
    ['pbx.example.com', true],
    ['192.0.2.1', true],
    ['2001:db8::1', true],
    ['user@host.example.com', true],
    ['', false],
    ['Alice Smith', false],
    ['http://example.com', false],
  ])('the address %j is an AoR: %p', (aor, isLegal) => {
    expect(found(BASIC.replace('sip:alice@example.com', aor))).toEqual(
      isLegal ? [] : ['RFC 7865 §6.5.1 /recording/participant[1]'],
    );
  });
});

describe('applyMetadata', () => {
  test('a partial update that tells only the end keeps the beginning', () => {
    const end = fixture('stop-partial.xml').replaceAll(
      /<(associate|start)-time>[^<]*<\/[^>]*>/g,
      '',
    );
    const partial = parseMetadata(end).document as RecordingMetadata;
    const { metadata } = applyMetadata(viewAfter(BASIC), partial);
    expect(metadata.sessions).toMatchObject([
      { startTimeMs: START_MS, stopTimeMs: START_MS + 40_250 },
    ]);
    expect(metadata.participantSessionAssociations).toMatchObject([
      { associateTimeMs: START_MS, disassociateTimeMs: START_MS + 40_250 },
      { associateTimeMs: START_MS, disassociateTimeMs: START_MS + 40_250 },
    ]);
    expect(metadata.streams).toHaveLength(2);
  });

  test('a complete document replaces everything but the meaning of ids', () => {
    const empty = parseMetadata('<recording xmlns="urn:ietf:params:xml:ns:recording:1"/>')
      .document as RecordingMetadata;
    const view = applyMetadata(viewAfter(BASIC), empty);
    expect(view.metadata.participants).toEqual([]);
    expect(view.idKinds.get(parsedId(ALICE))).toBe('participant');
  });

  test('what an SRC adds without end is not remembered without end', () => {
    let view = viewAfter(BASIC);
    const template = view.metadata.participants[0];
    for (let round = 0; round < 20; round += 1) {
      const participants = Array.from({ length: 100 }, (_unused, index) => ({
        nameIds: [],
        extensions: [],
        ...template,
        participantId: parsedId(`${round}-${index}`),
      }));
      view = applyMetadata(view, { ...view.metadata, dataMode: 'partial', participants });
    }
    expect(view.metadata.participants).toHaveLength(1024);
  });
});

type ParsedId = RecordingMetadata['participants'][number]['participantId'];

function parsedId(text: string): ParsedId {
  return text as ParsedId;
}
