import { parseMetadata, type RecordingMetadata, toXml, type XmlElement } from '#metadata';
import { basicCall } from '../scenario';

function documentWith(extensions: readonly XmlElement[]): RecordingMetadata {
  return { ...basicCall().tracker.complete(), extensions };
}

function element(fields: Partial<XmlElement>): XmlElement {
  const defaults = { namespace: 'urn:example:notice', name: 'notice', attributes: {}, text: '' };
  return { ...defaults, children: [], ...fields };
}

function nameAfterTheWire(name: string): string | null | undefined {
  const { document } = parseMetadata(toXml(basicCall({ alice: name }).tracker.complete()).xml);
  return document.kind === 'recording' ? document.participants[0]?.nameIds[0]?.name : undefined;
}

describe('toXml', () => {
  test.each([
    ['markup', 'Al & Co <x>'],
    ['what looks like an escape', '&amp; &#x41; &lt;'],
    ['the end of CDATA', 'a ]]> b'],
    ['both quotes', `"it's"`],
    ['an emoji family', '\u{1F468}\u200D\u{1F469}\u200D\u{1F467}'],
    ['right-to-left', '\u0645\u0631\u064A\u0645 \u200F(1)'],
    ['Japanese', '\u5C71\u7530\u592A\u90CE'],
    ['tab and line ends', 'a\tb\nc\rd\r\ne'],
    ['white space around', '  Bob  '],
    ['nothing but white space', ' \t '],
    ['nothing', ''],
  ])('%s in a name arrives as it was sent', (_what, name) => {
    expect(nameAfterTheWire(name)).toBe(name);
  });

  test('control characters and lone surrogates are replaced and counted, the document survives', () => {
    const name = 'a\u0000b\u0007c\u001Bd\u007Fe\u0085f\uD800g\uDC00h\uFFFEi\uFFFFj';
    const { xml, replacedCharacters } = toXml(basicCall({ alice: name }).tracker.complete());
    expect(replacedCharacters).toBe(9);
    expect(xml).toContain(`<name>${'abcdefghij'.split('').join('&#xFFFD;')}</name>`);
    expect(nameAfterTheWire(name)).toBe('abcdefghij'.split('').join('\uFFFD'));
  });

  test('hostile text in an attribute stays inside it', () => {
    const { tracker, alice } = basicCall();
    tracker.participantRenamed(alice, { aor: `sip:"><x/>&\n\u0001\u5C71@x`, name: null });
    const { xml, replacedCharacters } = toXml(tracker.complete());
    expect(xml).toContain('aor="sip:&quot;>&lt;x/>&amp;&#xA;&#xFFFD;&#x5C71;@x"');
    expect(replacedCharacters).toBe(1);
  });

  test('the whole document is one line of printable ASCII', () => {
    const { xml } = toXml(basicCall({ alice: 'M\u00FCller\n\u{1F600}' }).tracker.complete());
    expect(xml).toMatch(/^[\x20-\x7E]+$/);
  });

  test('times carry the offset that is asked for', () => {
    const { xml } = toXml(basicCall().tracker.complete(), { utcOffsetMinutes: 60 });
    expect(xml).toContain('<start-time>2026-11-23T11:00:00.000+01:00</start-time>');
  });

  test('extensions stand at the end, in their own namespace, apart from elements of the same name', () => {
    const inner = element({ name: 'session', attributes: { a: '1' }, text: 'x < y' });
    const other = element({ namespace: 'urn:example:other', name: 'other' });
    const none = element({ namespace: '', name: 'none' });
    const document = documentWith([
      element({ attributes: { 'xml:lang': 'de' }, children: [inner, other, none] }),
      element({ name: 'session' }),
    ]);
    const { xml } = toXml(document);
    expect(xml).toContain(
      '</participantstreamassoc>' +
        '<x:notice xmlns:x="urn:example:notice" xml:lang="de">' +
        '<x:session a="1">x &lt; y</x:session>' +
        '<x:other xmlns:x="urn:example:other"/>' +
        '<none xmlns=""/>' +
        '</x:notice>' +
        '<x:session xmlns:x="urn:example:notice"/>' +
        '</recording>',
    );
    const parsed = parseMetadata(xml);
    expect(parsed.document).toEqual(document);
    expect(parsed.deviations).toEqual([]);
  });

  test.each(['', '1a', 'a b', 'a:b', '\u00FC', 'xmlns', 'XML', '#text', '__proto__ '])(
    'an extension cannot be named %j',
    name => {
      const expected = expect.objectContaining({
        code: 'REC_ERR_METADATA_EXTENSION_NAME',
      }) as Error;
      expect(() => toXml(documentWith([element({ name })]))).toThrow(expected);
      const attributes = { [name]: '' };
      expect(() => toXml(documentWith([element({ attributes })]))).toThrow(expected);
    },
  );

  test('an extension cannot be in the namespace of the standard', () => {
    const namespace = 'urn:ietf:params:xml:ns:recording:1';
    expect(() => toXml(documentWith([element({ namespace })]))).toThrow(/in the namespace/);
  });

  test('names of object properties are ordinary names', () => {
    const document = documentWith([
      element({ name: '__proto__', text: 'a' }),
      element({ name: 'constructor', text: 'b' }),
      element({ name: 'toString' }),
    ]);
    const parsed = parseMetadata(toXml(document).xml);
    expect(parsed.document).toEqual(document);
  });
});
