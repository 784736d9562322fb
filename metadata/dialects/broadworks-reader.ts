import { type XmlElement } from '../model';
import {
  type AutomaticCallDistribution,
  type CallDetails,
  type RecordingDetails,
  type RecordingProperties,
} from '../recording-details';
import { isEmptyDetails } from '../recording-log';
import { type MetadataId } from '../unique-id';
import { type DeviationList, quote } from '../xml/deviations';
import { childrenNamed, childText, type Located } from '../xml/values';
import { BROADWORKS_NAMESPACE } from './broadworks-writer';
import { isDetails, orNull, readCount, readDetails, textOf } from './details-reader';
import { BROADWORKS_SCHEMA_VERSIONS } from './dialect';

const CLAUSE = 'docs/broadworks-dialect.md';
/** The children of the platform's block, in order, and whether every public trace has them. */
const BLOCK: readonly (readonly [name: string, isAlwaysThere: boolean])[] = [
  ['extTrackingID', true],
  ['serviceProviderID', true],
  ['groupID', true],
  ['userID', true],
  ['callID', true],
  ['callType', true],
  ['recordingType', true],
  ['redirectedCall', false],
  ['acd', false],
];

/** The platform's block in the extension data of a pre-standard document; null when there is none. */
export function findBroadWorksBlock(extensionData: readonly Located[]): Located | null {
  for (const { element, path } of extensionData) {
    const block = element.children.find(isBlock);
    if (block !== undefined) {
      return { element: block, path: `${path}/${block.name}[1]` };
    }
  }
  return null;
}

export function isBlock({ namespace, name }: XmlElement): boolean {
  return namespace === BROADWORKS_NAMESPACE && name === 'broadWorksRecordingMetadata';
}

/** What the extension data of a pre-standard document tells: the platform's block, and ours beside it. */
export function readExtensionData(
  extensionData: readonly Located[],
  sessionId: MetadataId | null,
  deviations: DeviationList,
): RecordingDetails | undefined {
  const block = findBroadWorksBlock(extensionData);
  const own = readOwnBlock(extensionData, deviations);
  if (block === null) {
    return own;
  }
  checkBlock(block, deviations);
  const identity = {
    serviceProvider: textOf(block, 'serviceProviderID'),
    externalGroup: textOf(block, 'groupID'),
    externalIdentifier: textOf(block, 'userID'),
  };
  const { mode = null, retention = null } = own?.properties ?? {};
  const properties: RecordingProperties = { mode, retention, ...identity };
  const details: RecordingDetails = {
    sessionId,
    properties: Object.values(properties).every(value => value === null) ? null : properties,
    call: readCall(block, deviations),
    events: own?.events ?? [],
    notices: own?.notices ?? [],
    gaps: own?.gaps ?? [],
  };
  return isEmptyDetails(details) ? undefined : details;
}

function readOwnBlock(
  extensionData: readonly Located[],
  deviations: DeviationList,
): RecordingDetails | undefined {
  for (const { element, path } of extensionData) {
    const own = element.children.find(isDetails);
    if (own !== undefined) {
      return readDetails({ element: own, path: `${path}/${own.name}[1]` }, deviations);
    }
  }
  return undefined;
}

/** Departures from what every public trace shows. */
function checkBlock(block: Located, deviations: DeviationList): void {
  const { element, path } = block;
  const version = element.attributes['version'];
  if (!BROADWORKS_SCHEMA_VERSIONS.some(known => known === version)) {
    deviations.add(CLAUSE, `the schema version ${quote(version ?? '')} is not known`, path);
  }
  let last = -1;
  for (const child of element.children) {
    const position = BLOCK.findIndex(([name]) => name === child.name);
    if (position < 0) {
      deviations.add(CLAUSE, `${quote(child.name)} is not known here`, path);
    } else if (position < last) {
      const before = BLOCK[last]?.[0] ?? '';
      deviations.add(CLAUSE, `${child.name} must stand before ${before}`, path);
    }
    last = Math.max(last, position);
  }
  for (const [name, isAlwaysThere] of BLOCK) {
    if (isAlwaysThere && childrenNamed(block, name).length === 0) {
      deviations.add(CLAUSE, `${name} is missing`, path);
    }
  }
}

function readCall(block: Located, deviations: DeviationList): CallDetails | null {
  const callType = childrenNamed(block, 'callType')[0];
  if (callType === undefined) {
    return null;
  }
  const outbound = childrenNamed(callType, 'origCall')[0];
  const half = outbound ?? childrenNamed(callType, 'termCall')[0];
  if (half === undefined) {
    deviations.add(CLAUSE, 'neither origCall nor termCall', callType.path);
    return null;
  }
  return {
    trackingId: childText(block, 'extTrackingID') ?? '',
    callId: textOf(block, 'callID'),
    direction: outbound === undefined ? 'inbound' : 'outbound',
    callingPartyNumber: textOf(half, 'callingPartyNumber'),
    calledPartyNumber: textOf(half, 'calledPartyNumber'),
    dialedDigits: textOf(half, 'dialedDigits'),
    redirections: readRedirections(half),
    redirectedCall: readRedirectedCall(block),
    acd: readAcd(block),
  };
}

function readRedirections(half: Located): CallDetails['redirections'] {
  const info = childrenNamed(half, 'redirectInfo')[0];
  return info === undefined
    ? null
    : {
        lastRedirectNumber: textOf(info, 'lastRedirectNumber'),
        originalCalledNumber: textOf(info, 'origCalledNumber'),
        count: readCount(childText(info, 'numOfRedirections')),
      };
}

function readRedirectedCall(block: Located): CallDetails['redirectedCall'] {
  const redirected = childrenNamed(block, 'redirectedCall')[0];
  return redirected === undefined
    ? null
    : {
        newTrackingId: childText(redirected, 'newExtTrackingID') ?? '',
        fromPartyNumber: textOf(redirected, 'redirectedFromPartyNumber'),
        toPartyNumber: textOf(redirected, 'redirectedToPartynumber'),
      };
}

function readAcd(block: Located): AutomaticCallDistribution | null {
  const acd = childrenNamed(block, 'acd')[0];
  const number = acd && childrenNamed(acd, 'acdNumber')[0];
  return acd === undefined
    ? null
    : {
        userId: childText(acd, 'acdUserId') ?? '',
        name: textOf(acd, 'acdName'),
        number: textOf(acd, 'acdNumber'),
        countryCode: orNull(number?.element.attributes['countryCode']?.trim()),
      };
}
