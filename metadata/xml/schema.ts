import { type XmlElement } from '../model';
import { type DeviationList, quote } from './deviations';

/** RFC 7865 §5.1.1 and §6.11. */
export const RECORDING_NAMESPACE = 'urn:ietf:params:xml:ns:recording:1';

interface ElementRule {
  /** Attribute name → whether it is required. */
  readonly attributes: Readonly<Record<string, boolean>>;
  /** Child elements in the order of their xs:sequence, with minOccurs and maxOccurs. */
  readonly children: readonly (readonly [name: string, min: number, max: number])[];
  /** Whether elements of other namespaces may follow. */
  readonly extensible: boolean;
}

const MANY = Infinity;
const TEXT_ONLY: ElementRule = { attributes: {}, children: [], extensible: false };
const LANGUAGE_TEXT: ElementRule = { ...TEXT_ONLY, attributes: { 'xml:lang': false } };
const TIMES = [
  ['associate-time', 0, 1],
  ['disassociate-time', 0, 1],
] as const;

/** The schema of RFC 7865 §9, except for the types of values. */
const RULES: ReadonlyMap<string, ElementRule> = new Map<string, ElementRule>([
  [
    'recording',
    {
      attributes: {},
      children: [
        ['datamode', 0, 1],
        ['group', 0, MANY],
        ['session', 0, MANY],
        ['participant', 0, MANY],
        ['stream', 0, MANY],
        ['sessionrecordingassoc', 0, MANY],
        ['participantsessionassoc', 0, MANY],
        ['participantstreamassoc', 0, MANY],
      ],
      extensible: true,
    },
  ],
  ['group', { attributes: { group_id: true }, children: TIMES, extensible: true }],
  [
    'session',
    {
      attributes: { session_id: true },
      children: [
        ['sipSessionID', 0, MANY],
        ['reason', 0, MANY],
        ['group-ref', 0, 1],
        ['start-time', 0, 1],
        ['stop-time', 0, 1],
      ],
      extensible: true,
    },
  ],
  ['reason', { attributes: { cause: true, protocol: false }, children: [], extensible: false }],
  [
    'participant',
    {
      attributes: { participant_id: true },
      children: [['nameID', 1, MANY]],
      extensible: true,
    },
  ],
  ['nameID', { attributes: { aor: true }, children: [['name', 0, 1]], extensible: false }],
  ['name', LANGUAGE_TEXT],
  [
    'stream',
    {
      attributes: { stream_id: true, session_id: false },
      children: [['label', 0, 1]],
      extensible: true,
    },
  ],
  [
    'sessionrecordingassoc',
    { attributes: { session_id: true }, children: TIMES, extensible: true },
  ],
  [
    'participantsessionassoc',
    {
      attributes: { participant_id: true, session_id: true },
      children: [...TIMES, ['param', 0, MANY]],
      extensible: true,
    },
  ],
  ['param', { attributes: { pname: true, pval: true }, children: [], extensible: false }],
  [
    'participantstreamassoc',
    {
      attributes: { participant_id: true },
      children: [['send', 0, MANY], ['recv', 0, MANY], ...TIMES],
      extensible: true,
    },
  ],
  ['requestsnapshot', { attributes: {}, children: [['requestreason', 0, 1]], extensible: true }],
  ['requestreason', LANGUAGE_TEXT],
]);

const CANONICAL_NAMES: ReadonlyMap<string, string> = new Map(
  [...RULES].flatMap(([name, rule]) =>
    [name, ...rule.children.map(([child]) => child)].map(known => [known.toLowerCase(), known]),
  ),
);

/** The spelling of the schema for a name that differs from it at most in case; otherwise the name itself. */
export function canonicalName(name: string): string {
  return CANONICAL_NAMES.get(name.toLowerCase()) ?? name;
}

/**
 * Reports where `element` and what is below it depart from the structure of RFC 7865 §9: names, order, number,
 * attributes. Values are not looked at.
 */
export function checkStructure(element: XmlElement, path: string, deviations: DeviationList): void {
  const rule = RULES.get(canonicalName(element.name)) ?? TEXT_ONLY;
  checkAttributes(element, rule, path, deviations);
  if (element.children.length > 0 && element.text.trim() !== '') {
    deviations.add('RFC 7865 §9', `text ${quote(element.text)} between elements`, path);
  }

  const counts = new Map<string, number>();
  let lastPosition = -1;
  let lastName = '';
  for (const child of element.children) {
    if (child.namespace !== element.namespace) {
      checkForeign(child, rule, path, deviations);
      lastPosition = rule.children.length;
      lastName = child.name;
      continue;
    }
    const name = canonicalName(child.name);
    const occurrence = (counts.get(name) ?? 0) + 1;
    counts.set(name, occurrence);
    const childPath = `${path}/${child.name}[${occurrence}]`;
    const position = rule.children.findIndex(([known]) => known === name);
    if (position < 0) {
      deviations.add('RFC 7865 §9', `${quote(child.name)} is not known here`, childPath);
      continue;
    }
    if (child.name !== name) {
      deviations.add('RFC 7865 §9', `${quote(child.name)} must be spelled ${name}`, childPath);
    }
    if (position < lastPosition) {
      deviations.add('RFC 7865 §9', `${name} must stand before ${lastName}`, childPath);
    } else {
      lastPosition = position;
      lastName = name;
    }
    checkStructure(child, childPath, deviations);
  }

  for (const [name, min, max] of rule.children) {
    const count = counts.get(name) ?? 0;
    if (count < min || count > max) {
      const allowed = count < min ? `at least ${min}` : `at most ${max}`;
      deviations.add('RFC 7865 §9', `${count} of ${name}, ${allowed} allowed`, path);
    }
  }
}

function checkAttributes(
  element: XmlElement,
  rule: ElementRule,
  path: string,
  deviations: DeviationList,
): void {
  for (const [name, isRequired] of Object.entries(rule.attributes)) {
    if (isRequired && element.attributes[name] === undefined) {
      deviations.add('RFC 7865 §9', `the attribute ${name} is missing`, path);
    }
  }
  for (const name of Object.keys(element.attributes)) {
    if (!Object.hasOwn(rule.attributes, name)) {
      deviations.add('RFC 7865 §9', `the attribute ${quote(name)} is not known here`, path);
    }
  }
}

function checkForeign(
  child: XmlElement,
  rule: ElementRule,
  path: string,
  deviations: DeviationList,
): void {
  if (!rule.extensible) {
    deviations.add('RFC 7865 §9', `no extension ${quote(child.name)} is allowed here`, path);
  } else if (child.namespace === '') {
    deviations.add('RFC 7865 §9', `${quote(child.name)} has no namespace`, path);
  }
}
