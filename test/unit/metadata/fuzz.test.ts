import fc from 'fast-check';
import {
  checkMetadata,
  MetadataError,
  metadataIdFromBytes,
  parseMetadata,
  type RecordingMetadata,
  toXml,
  type XmlElement,
} from '#metadata';
import { fixture } from './scenario';

const id = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(metadataIdFromBytes);
const timeMs = fc.option(fc.integer({ min: Date.UTC(1970, 0), max: Date.UTC(2199, 0) }), {
  nil: null,
});
const times = { associateTimeMs: timeMs, disassociateTimeMs: timeMs };
/** Any text that XML can carry. */
const text = fc
  .string({ unit: 'binary', maxLength: 40 })
  .map(value => value.replace(/[^\P{Cc}\t\n\r]|\p{Cs}|[\uFFFE\uFFFF]/gu, ''));
/** Without white space around it, which is not kept here. */
const token = text.map(value => value.trim());
const sessionId = token.map(value => value.replace(/\s+/g, ''));
const name = fc.stringMatching(/^[A-WYZa-wyz_][A-Za-z0-9._-]{0,8}$/);

function list<T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc.array(item, { maxLength: 3 });
}

/** Children of the same name are written together: so they are here. */
function grouped(elements: XmlElement[]): XmlElement[] {
  const key = (element: XmlElement): string =>
    `${element.namespace === '' ? '' : 'x:'}${element.name}`;
  return [...new Set(elements.map(key))].flatMap(wanted =>
    elements.filter(element => key(element) === wanted),
  );
}

const extension: fc.Arbitrary<XmlElement> = fc.letrec<{ element: XmlElement }>(tie => ({
  element: fc.oneof(
    { maxDepth: 3 },
    fc.record({
      namespace: fc.constantFrom('urn:example:a', 'urn:example:b'),
      name,
      attributes: fc.dictionary(name, text, { maxKeys: 2, noNullPrototype: true }),
      text,
      children: fc.constant([]),
    }),
    fc.record({
      namespace: fc.constantFrom('urn:example:a', 'urn:example:b'),
      name,
      attributes: fc.constant({}),
      text: fc.constant(''),
      children: list(tie('element')).map(grouped),
    }),
  ),
})).element;
const extensions = list(extension).map(grouped);

const metadata: fc.Arbitrary<RecordingMetadata> = fc.record({
  kind: fc.constant('recording'),
  dataMode: fc.constantFrom('complete', 'partial'),
  groups: list(fc.record({ groupId: id, ...times, extensions })),
  sessions: list(
    fc.record({
      sessionId: id,
      sipSessionIds: list(sessionId),
      reasons: list(
        fc.record({
          protocol: text,
          cause: fc.integer({ min: -32_768, max: 32_767 }),
          text,
        }),
      ),
      groupRef: fc.option(id, { nil: null }),
      startTimeMs: timeMs,
      stopTimeMs: timeMs,
      extensions,
    }),
  ),
  participants: list(
    fc.record({
      participantId: id,
      nameIds: fc.array(
        fc.record({ aor: token, name: text, language: fc.constantFrom(null, 'de', 'ja') }),
        { minLength: 1, maxLength: 3 },
      ),
      extensions,
    }),
  ),
  streams: list(
    fc.record({
      streamId: id,
      sessionId: fc.option(id, { nil: null }),
      label: fc.option(token, { nil: null }),
      extensions,
    }),
  ),
  sessionRecordingAssociations: list(fc.record({ sessionId: id, ...times, extensions })),
  participantSessionAssociations: list(
    fc.record({
      participantId: id,
      sessionId: id,
      ...times,
      params: list(fc.record({ name: text, value: text })),
      extensions,
    }),
  ),
  participantStreamAssociations: list(
    fc.record({ participantId: id, send: list(id), recv: list(id), ...times, extensions }),
  ),
  extensions,
});

/** Parses and checks; the only way out other than a result is a MetadataError. */
function swallow(xml: string): void {
  try {
    checkMetadata(parseMetadata(xml), { previous: null, sdpLabels: ['1', '2'] });
  } catch (error) {
    expect(error).toBeInstanceOf(MetadataError);
  }
}

describe('metadata under random input', () => {
  test('every document comes back from XML as it went', () => {
    fc.assert(
      fc.property(metadata, document => {
        const { xml, replacedCharacters } = toXml(document);
        expect(replacedCharacters).toBe(0);
        expect(xml).toMatch(/^[\x20-\x7E]+$/);
        const parsed = parseMetadata(xml);
        expect(parsed.document).toEqual(document);
        expect(parsed.deviations).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test('any text at all can be a name', () => {
    const anything = fc.string({
      unit: fc.integer({ min: 0, max: 0xffff }).map(unit => String.fromCharCode(unit)),
    });
    const xml = fixture('basic-call-complete.xml');
    const { document } = parseMetadata(xml);
    fc.assert(
      fc.property(anything, anything, (aor, displayName) => {
        const recording = document as RecordingMetadata;
        const participants = recording.participants.map(participant => ({
          ...participant,
          nameIds: [{ aor, name: displayName, language: null }],
        }));
        const written = toXml({ ...recording, participants });
        const read = parseMetadata(written.xml);
        expect(read.deviations).toEqual([]);
        expect(toXml(read.document).replacedCharacters).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  test('random text, and random changes of good documents, give a result or a MetadataError', () => {
    const good = fc.constantFrom(
      fixture('transfer-complete.xml'),
      fixture('stop-partial.xml'),
      fixture('snapshot-request.xml'),
    );
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 10 }),
      fc.constantFrom(
        '<',
        '>',
        '&',
        '"',
        '</',
        '/>',
        '<!',
        '<?',
        ']]>',
        '&#x',
        'xmlns="',
        '<a>',
        '\u0000',
      ),
    );
    const changed = fc
      .tuple(good, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 30 }), piece), { maxLength: 4 }))
      .map(([xml, changes]) =>
        changes.reduce((current, [at, length, put]) => {
          const start = at % (current.length + 1);
          return current.slice(0, start) + put + current.slice(start + length);
        }, xml),
      );
    fc.assert(fc.property(changed, swallow), { numRuns: 400 });
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), swallow), {
      numRuns: 200,
    });
  });
});
