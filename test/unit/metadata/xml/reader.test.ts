import { isGatewayError } from '#core';
import {
  type Deviation,
  MetadataError,
  parseMetadata,
  type RecordingMetadata,
  toXml,
} from '#metadata';
import { fixture } from '../scenario';

const HEAD = '<?xml version="1.0" encoding="UTF-8"?>';
const NS = 'xmlns="urn:ietf:params:xml:ns:recording:1"';
const ID = 'hVpd7YQgRW2nD22h7q60JQ==';
const UUID = '855a5ded-8420-456d-a70f-6da1eeaeb425';

function recording(content: string): string {
  return `${HEAD}<recording ${NS}>${content}</recording>`;
}

function parse(xml: string): { document: RecordingMetadata; deviations: readonly Deviation[] } {
  const { document, deviations } = parseMetadata(xml);
  if (document.kind !== 'recording') {
    throw new Error('not a recording');
  }
  return { document, deviations };
}

function expectRefused(xml: string, code: string): void {
  let thrown: unknown = null;
  try {
    parseMetadata(xml);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(MetadataError);
  expect(isGatewayError(thrown) && thrown.code).toBe(`REC_ERR_METADATA_${code}`);
}

describe('parseMetadata, tolerant', () => {
  test('reads elements in any order and says which stands wrong', () => {
    const { document, deviations } = parse(
      recording(
        `<stream stream_id="${ID}"><label>1</label></stream><datamode>partial</datamode>` +
          `<participant participant_id="${ID}"><nameID aor="sip:a@x"/></participant>`,
      ),
    );
    expect(document.dataMode).toBe('partial');
    expect(document.streams).toHaveLength(1);
    expect(document.participants).toHaveLength(1);
    expect(deviations).toEqual([
      {
        clause: 'RFC 7865 §9',
        message: 'datamode must stand before stream',
        path: '/recording/datamode[1]',
      },
      {
        clause: 'RFC 7865 §9',
        message: 'participant must stand before stream',
        path: '/recording/participant[1]',
      },
    ]);
  });

  test('reads camel case and says how it is spelled', () => {
    const { document, deviations } = parse(
      recording(
        `<dataMode>partial</dataMode>` +
          `<participantStreamAssoc participant_id="${ID}"><send>${ID}</send></participantStreamAssoc>`,
      ),
    );
    expect(document.dataMode).toBe('partial');
    expect(document.participantStreamAssociations).toMatchObject([{ send: [ID] }]);
    expect(deviations.map(({ message }) => message)).toEqual([
      '"dataMode" must be spelled datamode',
      '"participantStreamAssoc" must be spelled participantstreamassoc',
    ]);
  });

  test('reads dashed UUIDs as the ids that they mean', () => {
    const { document, deviations } = parse(
      recording(`<stream stream_id="${UUID}" session_id="urn:uuid:${UUID.toUpperCase()}"/>`),
    );
    expect(document.streams).toMatchObject([{ streamId: ID, sessionId: ID, label: null }]);
    expect(deviations.map(({ clause, path }) => [clause, path])).toEqual([
      ['RFC 7865 §6.10', '/recording/stream[1]/@stream_id'],
      ['RFC 7865 §6.10', '/recording/stream[1]/@session_id'],
    ]);
  });

  test('keeps an id of another kind as it is, so that references still match', () => {
    const { document, deviations } = parse(
      recording(
        `<stream stream_id="stream-1"/>` +
          `<participantstreamassoc participant_id="${ID}"><send> stream-1 </send></participantstreamassoc>`,
      ),
    );
    expect(document.streams[0]?.streamId).toBe('stream-1');
    expect(document.participantStreamAssociations[0]?.send).toEqual(['stream-1']);
    expect(deviations).toHaveLength(2);
  });

  test('reads prefixes, comments, CDATA, references and a BOM like any XML', () => {
    const { document, deviations } = parse(
      `\uFEFF${HEAD}<!-- <!DOCTYPE is only a comment & nothing more -->` +
        `<r:recording xmlns:r="urn:ietf:params:xml:ns:recording:1">` +
        `<r:participant participant_id="${ID}"><r:nameID aor="sip:a@x">` +
        `<r:name><![CDATA[Al & <Co>]]> &lt;&#x5C71;&#30000;&apos;</r:name>` +
        `</r:nameID></r:participant></r:recording>`,
    );
    expect(document.participants[0]?.nameIds).toEqual([
      {
        aor: 'sip:a@x',
        name: `Al & <Co> <\u5C71\u7530'`,
        language: null,
      },
    ]);
    expect(deviations).toEqual([]);
  });

  test('what has the namespace of the standard in a document of another is no extension', () => {
    const { document } = parse(
      `<recording_metadata xmlns="urn:ietf:params:xml:ns:siprec"><participant ${NS} participant_id="${ID}"/>` +
        '<e xmlns="urn:e"/></recording_metadata>',
    );
    expect(document.extensions).toMatchObject([{ name: 'e' }]);
    expect(document.participants).toEqual([]);
    expect(toXml(document).xml).not.toContain('participant');
  });

  test('leaves out of extensions what our own documents could not carry', () => {
    const { document, deviations } = parse(
      recording(
        '<datamode>complete</datamode><e:a xmlns:e="urn:e" \u00FC="1" xml:lang="de" xml:base="x" b="2">' +
          '<e:\u00FC/><e:xmlfoo/><e:c d\uFFFD=""/></e:a><e:\u00E9 xmlns:e="urn:e"/>',
      ),
    );
    expect(document.extensions).toMatchObject([
      { name: 'a', attributes: { 'xml:lang': 'de', b: '2' }, children: [{ name: 'c' }] },
    ]);
    expect(Object.keys(document.extensions[0]?.attributes ?? {})).toEqual(['xml:lang', 'b']);
    expect(document.extensions[0]?.children[0]?.attributes).toEqual({});
    expect(deviations).toEqual([]);
    expect(toXml(document).xml).toContain('<x:c/>');
  });

  test('keeps unknown extensions and is silent about them where they are allowed', () => {
    const { document, deviations } = parse(
      recording(
        `<session session_id="${ID}"><a xmlns="urn:a" k="v">t<b/></a></session>` +
          `<x:e xmlns:x="urn:x"><x:f> text </x:f></x:e>`,
      ),
    );
    expect(document.sessions[0]?.extensions).toEqual([
      {
        namespace: 'urn:a',
        name: 'a',
        attributes: { k: 'v' },
        text: 't',
        children: [{ namespace: 'urn:a', name: 'b', attributes: {}, text: '', children: [] }],
      },
    ]);
    expect(document.extensions[0]?.children[0]?.text).toBe(' text ');
    expect(deviations).toEqual([]);
  });

  test('reads what there is of a document that lacks what it must have', () => {
    const { document, deviations } = parse(
      recording(
        `<participant><nameID aor="sip:lost@x"/></participant><participant participant_id="${ID}"/>` +
          `<stream stream_id="${ID}" color="red"><label>1</label><label>2</label></stream>` +
          `<mode>mixed</mode>`,
      ),
    );
    expect(document.participants).toEqual([{ participantId: ID, nameIds: [], extensions: [] }]);
    expect(document.streams[0]?.label).toBe('1');
    expect(deviations.map(({ message, path }) => `${path}: ${message}`)).toEqual([
      '/recording/participant[1]: the attribute participant_id is missing',
      '/recording/participant[2]: 0 of nameID, at least 1 allowed',
      '/recording/stream[1]: the attribute "color" is not known here',
      '/recording/stream[1]: 2 of label, at most 1 allowed',
      '/recording/mode[1]: "mode" is not known here',
    ]);
  });

  test('makes the best of sloppy times and causes', () => {
    const { document, deviations } = parse(
      recording(
        `<session session_id="${ID}"><reason cause="99999">x</reason>` +
          `<start-time>2010-12-16 23:41:07</start-time><stop-time>soon</stop-time></session>`,
      ),
    );
    expect(document.sessions).toMatchObject([
      {
        reasons: [{ cause: 0, protocol: 'SIP', text: 'x' }],
        startTimeMs: Date.UTC(2010, 11, 16, 23, 41, 7),
        stopTimeMs: null,
      },
    ]);
    expect(deviations.map(({ clause }) => clause)).toEqual([
      'RFC 7865 §9',
      'RFC 7865 §6.9',
      'RFC 7865 §6.9',
    ]);
  });

  test('names a missing declaration, another encoding, leading white space and another namespace', () => {
    const clauses = (xml: string): string[] => parse(xml).deviations.map(({ clause }) => clause);
    expect(clauses(`<recording ${NS}/>`)).toEqual(['RFC 7865 §5.1']);
    expect(clauses(`<?xml version="1.0"?><recording ${NS}/>`)).toEqual(['RFC 7865 §5.1']);
    expect(clauses(`<?xml version="1.0" encoding="latin1"?><recording ${NS}/>`)).toEqual([
      'RFC 7865 §5.1',
    ]);
    expect(clauses(`\r\n${HEAD}<recording ${NS}/>`)).toEqual(['XML 1.0 §2.8']);
    expect(clauses(`${HEAD}<recording xmlns="urn:ietf:params:xml:ns:recording"/>`)).toEqual([
      'RFC 7865 §6.11',
    ]);
    expect(clauses(`${HEAD}<recording/>`)).toEqual(['RFC 7865 §6.11']);
  });

  test('reads a snapshot request', () => {
    expect(parseMetadata(fixture('snapshot-request.xml'))).toEqual({
      document: {
        kind: 'snapshot-request',
        reason: 'restarted after a failure',
        language: 'en',
        extensions: [],
      },
      dialect: 'rfc7865',
      deviations: [],
    });
    expect(parseMetadata(`${HEAD}<requestsnapshot ${NS}/>`).document).toMatchObject({
      reason: null,
    });
  });

  test('reads a pre-standard document and says that it is one', () => {
    const { document, deviations } = parse(
      `${HEAD}<recording_metadata xmlns="urn:ietf:params:xml:ns:siprec"><dataMode>complete</dataMode>` +
        `<group id="urn:uuid:${UUID}"/>` +
        `<session id="${ID}" group="${ID}"><start-time>2024-05-06T07:08:09+02:00</start-time></session>` +
        `<participant id="${ID}" session="${ID}"><aor>sip:a@x</aor><send><id>${ID}</id></send></participant>` +
        `<participant id="${ID}" session="${ID}"><nameID aor="b@x"><name>Bob</name></nameID></participant>` +
        `<stream id="${ID}" session="${ID}"><label>1</label><mode>separate</mode></stream>` +
        `<extensiondata id="${ID}" parent="${ID}"><b xmlns="urn:b"><userID>u</userID></b></extensiondata>` +
        `</recording_metadata>`,
    );
    expect(deviations[0]).toEqual({
      clause: 'RFC 7865 §5.1.2',
      message: 'a pre-standard document (drafts of 2011), not RFC 7865',
      path: '/recording_metadata',
    });
    expect(document).toMatchObject({
      groups: [{ groupId: ID }],
      sessions: [{ sessionId: ID, groupRef: ID, startTimeMs: Date.UTC(2024, 4, 6, 5, 8, 9) }],
      participants: [
        { nameIds: [{ aor: 'sip:a@x', name: null }] },
        { nameIds: [{ aor: 'b@x', name: 'Bob' }] },
      ],
      streams: [{ streamId: ID, sessionId: ID, label: '1' }],
      participantStreamAssociations: [{ send: [ID], recv: [] }, { send: [] }],
      extensions: [{ name: 'extensiondata', children: [{ name: 'b' }] }],
    });
  });
});

describe('parseMetadata, hostile', () => {
  test.each([
    ['nothing', ''],
    ['white space', ' \r\n '],
    ['no XML', 'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n'],
    ['an element that never ends', `<recording ${NS}>`],
    ['a wrong end', `<recording ${NS}></recordin>`],
    ['a second root', `<recording ${NS}/><recording ${NS}/>`],
    ['text after the root', `<recording ${NS}/>x`],
    ['text before the root', `x<recording ${NS}/>`],
    ['an unbound prefix', '<r:recording/>'],
    ['an attribute twice', `<recording ${NS} a="1" a="2"/>`],
    ['an attribute without quotes', `<recording ${NS} a=1/>`],
    ['an unknown entity', recording('&nbsp;')],
    ['a bare ampersand', recording('Al & Co')],
    ['a reference to NUL', recording('&#0;')],
    ['a reference to a surrogate', recording('&#xD800;')],
    ['a reference beyond Unicode', recording('&#x110000;')],
    ['a control character', recording('\u0001')],
    ['a lone surrogate', recording('\uD800')],
    ['a document type', `<!DOCTYPE recording><recording ${NS}/>`],
    [
      'an entity bomb',
      `<!DOCTYPE r [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><recording ${NS}>&b;</recording>`,
    ],
    ['an external entity', `<!DOCTYPE r SYSTEM "file:///etc/passwd"><recording ${NS}/>`],
    ['a comment without end', `<recording ${NS}/><!-- `],
    ['CDATA without end', recording('<![CDATA[ ')],
  ])('%s is malformed', (_what, xml) => {
    expectRefused(xml, 'MALFORMED');
  });

  test('another root is named', () => {
    expectRefused(`${HEAD}<html/>`, 'UNKNOWN_ROOT');
    expectRefused(`${HEAD}<session ${NS} session_id="${ID}"/>`, 'UNKNOWN_ROOT');
  });

  test('too many characters, elements or levels are refused', () => {
    expectRefused(recording(' '.repeat(70_000)), 'TOO_LARGE');
    expectRefused(recording('<a/>'.repeat(5000)), 'TOO_LARGE');
    expectRefused(recording('<a>'.repeat(40) + '</a>'.repeat(40)), 'TOO_LARGE');
    expect(parse(recording('<a>'.repeat(31) + '</a>'.repeat(31))).deviations).toHaveLength(1);
  });

  test('openings without end take no time to speak of', () => {
    for (const piece of ['<!--', '<![CDATA[', '<!', '<a ', '&', '<?', '<', '&#']) {
      expectRefused(recording(piece.repeat(Math.floor(65_000 / piece.length))), 'MALFORMED');
    }
  });

  test('the list of deviations is bounded', () => {
    const { deviations } = parse(recording('<mode/>'.repeat(1000)));
    expect(deviations).toHaveLength(201);
    expect(deviations.at(-1)?.message).toBe('800 further deviations are not listed');
  });

  test('the message quotes little of what a peer wrote', () => {
    const { deviations } = parse(recording(`<${'m'.repeat(10_000)}/>`));
    expect(deviations[0]?.message.length).toBeLessThan(150);
  });

  test('a document cut anywhere is refused, never misread', () => {
    const xml = fixture('transfer-complete.xml');
    for (let length = 0; length < xml.length; length += 1) {
      expectRefused(xml.slice(0, length), 'MALFORMED');
    }
  });

  // The XML parser cannot hold an attribute named __proto__; it is lost, and nothing else is.
  test('names of object properties do no harm', () => {
    const { document } = parse(
      recording(
        '<x:__proto__ xmlns:x="urn:x" __proto__="1" constructor="2" hasOwnProperty="3">' +
          '<x:hasOwnProperty/><x:cdata/><x:_/><x:__text__>t</x:__text__></x:__proto__>',
      ),
    );
    expect(document.extensions[0]?.name).toBe('__proto__');
    expect(Object.entries(document.extensions[0]?.attributes ?? {})).toEqual([
      ['constructor', '2'],
      ['hasOwnProperty', '3'],
    ]);
    expect(document.extensions[0]?.children.map(({ name, text }) => [name, text])).toEqual([
      ['hasOwnProperty', ''],
      ['cdata', ''],
      ['_', ''],
      ['__text__', 't'],
    ]);
    expect(({} as Record<string, unknown>)['1']).toBeUndefined();
  });
});
