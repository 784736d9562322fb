import {
  applyMetadata,
  checkMetadata,
  type DialectChoice,
  parseMetadata,
  type RecordingMetadata,
  type SrsView,
  toXml,
} from '#metadata';
import { NAMES, SCENARIOS } from './dialects-scenario';
import { basicCall, fixture, START_MS } from './scenario';

const DIALECTS: readonly DialectChoice[] = [{ name: 'rfc7865' }, { name: 'broadworks' }];
const CASES = DIALECTS.flatMap(dialect =>
  Object.keys(SCENARIOS).map(scenario => [dialect.name, scenario, dialect] as const),
);

/** BroadWorks knows complete documents only: what a partial one would tell comes with everything else. */
function documents(scenario: string, dialect: DialectChoice): readonly RecordingMetadata[] {
  const told = SCENARIOS[scenario]?.() ?? [];
  return dialect.name === 'rfc7865' ? told : told.map(toComplete);
}

let view: SrsView | null = null;
function toComplete(document: RecordingMetadata): RecordingMetadata {
  view = applyMetadata(document.dataMode === 'complete' ? null : view, document);
  return view.metadata;
}

function write(document: RecordingMetadata, dialect: DialectChoice): string {
  return toXml(document, { dialect }).xml;
}

describe.each(CASES)('%s, %s', (name, scenario, dialect) => {
  test('the documents are these, byte for byte, with as many bytes as characters', () => {
    const written = documents(scenario, dialect).map(document => write(document, dialect));
    // A document holds no line end: those of the fixture stand between tags only.
    expect(written.map(xml => xml.replaceAll('><', '>\n<')).join('\n\n') + '\n').toBe(
      fixture(`${name}/${scenario}.xml`),
    );
    expect(written.join('')).toMatch(/^[\x20-\x7E]+$/);
  });

  test('a recorder finds nothing wrong with them, and reading loses nothing that writing told', () => {
    let known: SrsView | null = null;
    for (const document of documents(scenario, dialect)) {
      const xml = write(document, dialect);
      const parsed = parseMetadata(xml);
      const sdpLabels = document.streams.length > 0 ? ['1', '2'] : [];
      expect(checkMetadata(parsed, { previous: known, sdpLabels })).toEqual([]);
      expect(parsed.dialect).toBe(name);
      const read = parsed.document as RecordingMetadata;
      expect(write(read, dialect)).toBe(xml);
      expect(read.details).toEqual(document.details);
      known = applyMetadata(known, read);
    }
  });
});

describe('names in every script', () => {
  test.each(DIALECTS)(
    '$name: they arrive, and what XML cannot carry is replaced and counted',
    dialect => {
      const [document] = documents('names', dialect);
      const { xml, replacedCharacters } = toXml(document!, { dialect });
      expect(replacedCharacters).toBe(3);
      const read = parseMetadata(xml).document as RecordingMetadata;
      const names = read.participants.map(({ nameIds }) => nameIds[0]?.name);
      expect(names).toEqual([...NAMES.slice(0, -1), 'a\uFFFDb\uFFFDc\uFFFDd']);
    },
  );
});

describe('the dialect of BroadWorks', () => {
  const dialect: DialectChoice = { name: 'broadworks' };

  test('who sends label 1 is the subscriber, everybody else sends label 2', () => {
    const [, second] = documents('conference', dialect);
    const read = parseMetadata(write(second!, dialect)).document as RecordingMetadata;
    const labels = new Map(read.streams.map(({ streamId, label }) => [streamId, label]));
    expect(
      read.participantStreamAssociations.map(({ send }) => send.map(id => labels.get(id))),
    ).toEqual([['1'], ['2'], ['2'], ['2']]);
  });

  test('a transfer replaces every id but those of the call half', () => {
    const [before, after] = documents('transfer', dialect).map(each => write(each, dialect));
    const ids = (xml = ''): string[] => [...xml.matchAll(/urn:uuid:[0-9a-f-]{36}/g)].map(String);
    expect(ids(after).filter(id => ids(before).includes(id))).toEqual([]);
    expect(after).toContain('<callID>callhalf-1234:0</callID>');
  });

  test('a gap is told as soon as it is known, and in every complete document after that', () => {
    const { tracker } = basicCall();
    tracker.complete();
    tracker.recordingGap({ startMs: START_MS, endMs: START_MS + 1000, reason: 'bye' });
    const gap = { startMs: START_MS, endMs: START_MS + 1000, reason: 'bye' };
    expect(tracker.partial()?.details?.gaps).toEqual([gap]);
    expect(tracker.complete().details?.gaps).toEqual([gap]);
    expect(tracker.partial()).toBeNull();
  });

  test('events and notices are told unless that is switched off, and so are display names', () => {
    const last = documents('events', dialect).at(-1)!;
    expect(write(last, dialect)).toContain('<x:event kind="pause"');
    const quiet = write(last, { ...dialect, reportsEvents: false, displayNames: false });
    expect(quiet).not.toMatch(/x:|<name>/);
    expect(quiet.replace(/<\/broadWorksRecordingMetadata>.*/, '')).toBe(
      write(last, dialect)
        .replace(/<name>[^<]*<\/name>/g, '')
        .replace(/<\/broadWorksRecordingMetadata>.*/, ''),
    );
  });

  test.each(['1.0', '2.0', '3.0'] as const)('schema version %s', schemaVersion => {
    const [document] = documents('inbound', dialect);
    const xml = write(document!, { ...dialect, schemaVersion });
    expect(xml).toContain(`broadworksCallRecording" version="${schemaVersion}">`);
    expect(parseMetadata(xml).deviations).toEqual([]);
  });

  test('one stream that all participants send is mixed', () => {
    const [document] = documents('inbound', dialect) as [RecordingMetadata];
    const [stream] = document.streams;
    const single = {
      ...document,
      streams: document.streams.slice(0, 1),
      participantStreamAssociations: document.participantStreamAssociations.map(association => ({
        ...association,
        send: stream === undefined ? [] : [stream.streamId],
      })),
    };
    expect(write(single, dialect)).toContain('<label>1</label><mode>mixed</mode>');
  });

  test.each([
    ['groupID is missing', /<groupID>.*?<\/groupID>/, ''],
    [
      'callID must stand before recordingType',
      /(<callID>.*?<\/callID>)(.*?<\/recordingType>)/,
      '$2$1',
    ],
    ['the schema version "4.0" is not known', 'version="3.0"', 'version="4.0"'],
    ['"surprise" is not known here', '<recordingType>', '<surprise/><recordingType>'],
    ['neither origCall nor termCall', /(<callType>).*?(<\/callType>)/, '$1$2'],
  ])('a recorder says when %s', (message, from, to) => {
    const [document] = documents('inbound', dialect);
    const { deviations } = parseMetadata(write(document!, dialect).replace(from, to));
    expect(deviations).toEqual([expect.objectContaining({ message })]);
  });
});

describe('recording details that are not as they should be', () => {
  test.each([
    ['the kind "party" is not known', 'kind="pause"', 'kind="party"'],
    ['the attribute time is missing', /(kind="pause") time="[^"]*"/, '$1'],
    ['"soon" is no date and time of RFC 3339', /(kind="pause" time=)"[^"]*"/, '$1"soon"'],
    ['the mode "maybe" is not known', /mode="[^"]*"/, 'mode="maybe"'],
    ['"x" is no id', /participant_id="[^"]*"\/>/, 'participant_id="x"/>'],
  ])('%s: it is left out and said', (message, from, to) => {
    const dialect = { name: 'broadworks' } as const;
    const last = documents('events', dialect).at(-1)!;
    const { deviations } = parseMetadata(write(last, dialect).replace(from, to));
    expect(deviations).toContainEqual(expect.objectContaining({ message }));
  });
});
