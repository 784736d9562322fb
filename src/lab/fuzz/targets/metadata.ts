import {
  checkMetadata,
  type DialectName,
  MetadataError,
  parseMetadata,
  type ParsedMetadata,
  toXml,
} from '#metadata';
import { type FuzzTarget, mustEqual, mustHold, words } from '../target';

const RECORDING =
  '<?xml version="1.0" encoding="UTF-8"?>\n<recording xmlns="urn:ietf:params:xml:ns:recording:1"><datamode>complete</datamode>' +
  '<session session_id="hVpd7YQgRW2nD22h7q60JQ=="><sipSessionID>ab30317f1a784dc48ff824d0d3715d86;remote=47755a9de7794ba387653f2099600ef2' +
  '</sipSessionID><start-time>2026-03-01T10:00:00Z</start-time></session>' +
  '<participant participant_id="srfBElmCRp2QB23b7Mpk0w=="><nameID aor="sip:bob@example.com"><name xml:lang="en">Bob &amp; Co</name></nameID>' +
  '</participant><stream stream_id="UAAMm5GRQKSCMVvLyl4rFw==" session_id="hVpd7YQgRW2nD22h7q60JQ=="><label>1</label></stream>' +
  '<sessionrecordingassoc session_id="hVpd7YQgRW2nD22h7q60JQ=="><associate-time>2026-03-01T10:00:00+01:00</associate-time></sessionrecordingassoc>' +
  '<participantsessionassoc participant_id="srfBElmCRp2QB23b7Mpk0w==" session_id="hVpd7YQgRW2nD22h7q60JQ=="/>' +
  '<participantstreamassoc participant_id="srfBElmCRp2QB23b7Mpk0w=="><send>UAAMm5GRQKSCMVvLyl4rFw==</send></participantstreamassoc></recording>';
const SNAPSHOT =
  '<?xml version="1.0" encoding="UTF-8"?><requestsnapshot xmlns="urn:ietf:params:xml:ns:recording:1">' +
  '<requestreason xml:lang="it">perch\u00e9</requestreason></requestsnapshot>';

const DETAILS =
  '<x:recordingdetails xmlns:x="urn:siprec-gateway:recording-details:1"><x:properties mode="on-demand" retention="kept"/>' +
  '<x:event kind="pause" time="2026-03-01T10:00:00Z" by="user"/><x:announcement kind="start" xml:lang="en" started="2026-03-01T10:00:00Z" ' +
  'ended="2026-03-01T10:00:02Z"><x:to participant_id="urn:uuid:00000000-0000-4000-8000-000000000003"/></x:announcement></x:recordingdetails>';
const BROADWORKS =
  '<recording_metadata xmlns="urn:ietf:params:xml:ns:siprec"><dataMode>complete</dataMode>' +
  '<group id="urn:uuid:00000000-0000-4000-8000-000000000002"/><session id="urn:uuid:00000000-0000-4000-8000-000000000001" group="urn:uuid:00000000-0000-4000-8000-000000000002">' +
  '<start-time>2026-03-01T10:00:00+01:00</start-time></session><participant id="urn:uuid:00000000-0000-4000-8000-000000000003" session="urn:uuid:00000000-0000-4000-8000-000000000001">' +
  '<aor>sip:a@x</aor><name>A</name><send><id>urn:uuid:00000000-0000-4000-8000-000000000004</id></send></participant>' +
  '<stream id="urn:uuid:00000000-0000-4000-8000-000000000004" session="urn:uuid:00000000-0000-4000-8000-000000000001"><label>1</label><mode>separate</mode></stream>' +
  '<extensiondata><broadWorksRecordingMetadata xmlns="http://schema.broadsoft.com/broadworksCallRecording" version="3.0"><extTrackingID>1:1</extTrackingID>' +
  '<serviceProviderID>S</serviceProviderID><groupID>G</groupID><userID>u@x</userID><callID>callhalf-1:1</callID><callType><termCall><callingPartyNumber>+1</callingPartyNumber>' +
  '<calledPartyNumber/><redirectInfo><lastRedirectNumber>+2</lastRedirectNumber><numOfRedirections>2</numOfRedirections></redirectInfo></termCall></callType>' +
  '<recordingType>on</recordingType><redirectedCall><newExtTrackingID>2</newExtTrackingID></redirectedCall><acd><acdUserId>q</acdUserId><acdNumber countryCode="1">5</acdNumber></acd>' +
  `</broadWorksRecordingMetadata>${DETAILS}</extensiondata></recording_metadata>`;

/** The reader of rs-metadata documents. */
export const metadataTarget: FuzzTarget = {
  name: 'metadata',
  seeds: words(
    RECORDING,
    SNAPSHOT,
    BROADWORKS,
    RECORDING.replace('</recording>', `${DETAILS}</recording>`),
  ),
  wantsFile: path => path.startsWith('metadata/') && path.endsWith('.xml'),
  dictionary: words(
    '<', '>', '/>', '</', '<a>', '</a>', '<a/>', '<!--', '-->', '<![CDATA[', ']]>', '<!DOCTYPE a [<!ENTITY b "c">]>', '&', '&amp;', '&b;', '&#0;', '&#x10FFFF;', '&#xD800;',
    '<?xml version="1.0"?>', '<?x?>', ' xmlns="', ' xmlns:p="urn:x"', ' xmlns="urn:ietf:params:xml:ns:recording:1"', 'xml:lang="en"', '"', "'", '=',
    '<recording>', '</recording>', '<datamode>partial</datamode>', '<group group_id="', '<session ', '<participant ', '<stream ', '<label>', '<send>', '<recv>', '<nameID aor="',
    '<start-time>', '<stop-time>', '<associate-time>', '<reason>', 'session_id="', 'stream_id="', 'participant_id="', '<recording_metadata>', '<requestsnapshot>',
    'AAAAAAAAAAAAAAAAAAAAAA==', '2026-02-30T25:61:61Z', '-0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999+14:00', '__proto__', 'constructor', '#text', '\0', '\ufffe', '\u{1f600}',
  ), // prettier-ignore
  maxBytes: 70_000,
  check: input => {
    const text = input.toString('utf8');
    const parsed = parse(text);
    if (parsed === null) {
      return 'refused';
    }
    mustHold(parsed.deviations.length <= 1000, 'a bounded list of deviations');
    checkRoundTrip(parsed);
    return 'accepted';
  },
};

function parse(text: string): ParsedMetadata | null {
  try {
    return parseMetadata(text);
  } catch (error) {
    if (error instanceof MetadataError && /_(MALFORMED|TOO_LARGE|UNKNOWN_ROOT)$/.test(error.code)) {
      return null;
    }
    throw error;
  }
}

/** What was understood can be written, in either dialect, as a document that is understood in the same way. */
function checkRoundTrip(parsed: ParsedMetadata): void {
  const { document } = parsed;
  checkMetadata(parsed, { previous: null });
  const { again, replacedCharacters } = writeAndRead(document, 'rfc7865');
  if (again !== null && replacedCharacters === 0 && parsed.dialect === 'rfc7865') {
    mustEqual(again, document, 'the document written and read again');
  }
  writeAndRead(document, 'broadworks');
}

function writeAndRead(
  document: ParsedMetadata['document'],
  name: DialectName,
): { again: ParsedMetadata['document'] | null; replacedCharacters: number } {
  const dialect = { name };
  const { xml, replacedCharacters } = toXml(document, { dialect });
  mustHold(/^[\x20-\x7e]*$/.test(xml), 'as many characters as octets');
  const again = parse(xml);
  // Escapes can make a document longer than the bound.
  mustHold(again !== null || xml.length > 60_000, 'a document of our own is understood');
  if (again !== null && replacedCharacters === 0) {
    // What a dialect has no words for is gone after the first time, and nothing after that.
    const second = toXml(again.document, { dialect }).xml;
    const third = parse(second);
    mustHold(
      third === null || toXml(third.document, { dialect }).xml === second,
      'writing is stable',
    );
  }
  return { again: again?.document ?? null, replacedCharacters };
}
