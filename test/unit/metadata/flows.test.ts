import {
  applyMetadata,
  checkMetadata,
  type MetadataTracker,
  parseMetadata,
  type RecordingMetadata,
  type SrsView,
  toXml,
} from '#metadata';
import { basicCall, type BasicCall, fixture, START_MS } from './scenario';

const HOLD_MS = START_MS + 10_000;
const RESUME_MS = START_MS + 20_500;
const TRANSFER_MS = START_MS + 30_000;
const STOP_MS = START_MS + 40_250;

function partialOf(tracker: MetadataTracker): RecordingMetadata {
  const partial = tracker.partial();
  if (partial === null) {
    throw new Error('nothing has changed');
  }
  return partial;
}

/** Bob holds Alice: she only receives, he only sends. */
function hold({ tracker, alice, bob }: BasicCall): void {
  tracker.setSending(HOLD_MS, alice, []);
  tracker.setReceiving(bob, []);
}

function resume({ tracker, alice, bob, aliceStream }: BasicCall): void {
  tracker.setSending(RESUME_MS, alice, [aliceStream]);
  tracker.setReceiving(bob, [aliceStream]);
}

/** Bob goes, Carol takes his place on label 2. */
function transfer({ tracker, bob, bobStream, aliceStream }: BasicCall): void {
  tracker.participantLeft(TRANSFER_MS, bob);
  const carol = tracker.participantJoined(TRANSFER_MS, {
    aor: 'sip:carol@example.com',
    name: 'Carol',
  });
  tracker.setSending(TRANSFER_MS, carol, [bobStream]);
  tracker.setReceiving(carol, [aliceStream]);
}

function stop({ tracker }: BasicCall): void {
  tracker.sessionEnded(STOP_MS, { cause: 16, text: 'Normal call clearing', protocol: 'Q.850' });
}

describe('the documents of a call, byte for byte', () => {
  test('the first document is complete', () => {
    expect(toXml(basicCall().tracker.complete()).xml).toBe(fixture('basic-call-complete.xml'));
  });

  test('hold and resume are partial updates of the stream associations only', () => {
    const call = basicCall();
    call.tracker.complete();
    hold(call);
    expect(toXml(partialOf(call.tracker)).xml).toBe(fixture('hold-partial.xml'));
    resume(call);
    expect(toXml(partialOf(call.tracker)).xml).toBe(fixture('resume-partial.xml'));
  });

  test('a transfer tells who left and who came, as a partial update or complete', () => {
    const call = basicCall();
    call.tracker.complete();
    transfer(call);
    expect(toXml(partialOf(call.tracker)).xml).toBe(fixture('transfer-partial.xml'));
    expect(toXml(call.tracker.complete()).xml).toBe(fixture('transfer-complete.xml'));
  });

  test('the end tells the stop time, the reason and that everybody left', () => {
    const call = basicCall();
    call.tracker.complete();
    stop(call);
    expect(toXml(partialOf(call.tracker)).xml).toBe(fixture('stop-partial.xml'));
  });

  test('names in every script keep as many bytes as characters', () => {
    const { tracker } = basicCall({
      alice: `Al & Co <x> "q" 'a' \u{1F600} \u0645\u0631\u064A\u0645`,
      bob: '\u5C71\u7530\u592A\u90CE',
    });
    const { xml, replacedCharacters } = toXml(tracker.complete());
    expect(xml).toBe(fixture('names-complete.xml'));
    expect(Buffer.byteLength(xml)).toBe(xml.length);
    expect(replacedCharacters).toBe(0);
  });

  test('a snapshot request', () => {
    const request = { reason: 'restarted after a failure', language: 'en', extensions: [] };
    expect(toXml({ kind: 'snapshot-request', ...request }).xml).toBe(
      fixture('snapshot-request.xml'),
    );
  });
});

describe('the documents of a call, as an SRS sees them', () => {
  test('every document conforms, and the updates lead to the last complete document', () => {
    const call = basicCall();
    const documents = [call.tracker.complete()];
    for (const step of [hold, resume, transfer, stop]) {
      step(call);
      documents.push(partialOf(call.tracker));
    }
    let view: SrsView | null = null;
    for (const document of documents) {
      const parsed = parseMetadata(toXml(document).xml);
      const sdpLabels = document.streams.length > 0 ? ['1', '2'] : [];
      expect(checkMetadata(parsed, { previous: view, sdpLabels })).toEqual([]);
      expect(parsed.document).toEqual(document);
      view = applyMetadata(view, parsed.document as RecordingMetadata);
    }
    expect(view?.metadata).toEqual(call.tracker.complete());
  });
});
