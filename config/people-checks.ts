import { type SlicedWork } from '#core';
import { checkReference, namesOf, problem } from './check-support';
import { DEFAULTS } from './defaults';
import { parseIdentity } from './identity';
import { type PlacedMessage } from './issue-text';
import {
  INHERIT_PROVIDER,
  NO_PROVIDER,
  PACKAGED_LANGUAGES,
  PROMPT_KINDS,
  RECORDING_LICENCES,
} from './names';
import { type TreeView } from './tree-view';
import { wavFileProblem } from './wav-file';

export function* checkOrganisations(config: TreeView): SlicedWork<PlacedMessage[]> {
  const problems: PlacedMessage[] = [];
  for (const [, organisation] of config.get('organisations').entries()) {
    problems.push(
      ...checkProvider(config, organisation),
      ...checkTermsEntries(config, organisation.get('termsOfService')),
      ...checkPlaces(config, organisation),
      ...checkLanguages(config, organisation),
      ...checkCustomAudio(organisation.get('customAudio')),
    );
    yield* checkUsers(organisation, problems);
  }
  return problems;
}

function checkProvider(config: TreeView, organisation: TreeView): PlacedMessage[] {
  const provider = organisation.get('provider');
  if (provider.text() === NO_PROVIDER && !organisation.get('recordingOff').exists) {
    const message =
      'is required with provider: none, which takes recording away from every user of the organisation: ' +
      'write recordingOff: acknowledged';
    return [problem(organisation.get('recordingOff'), message)];
  }
  return checkReference(
    provider,
    [...new Set([...namesOf(config, 'providers'), NO_PROVIDER])],
    'provider',
    DEFAULTS.organisation.provider,
  );
}

/** Each entry says either that the terms are accepted, by whom and when, or that they knowingly are not. */
function checkTermsEntries(config: TreeView, terms: TreeView): PlacedMessage[] {
  return terms.entries().flatMap(([name, entry]) => {
    const given = ['acceptedBy', 'acceptedAt', 'notAccepted'].filter(key => entry.get(key).exists);
    const isWhole = given.join() === 'acceptedBy,acceptedAt' || given.join() === 'notAccepted';
    return [
      ...(namesOf(config, 'providers').includes(name)
        ? []
        : [problem(entry, `names the provider "${name}", which does not exist`)]),
      ...(isWhole
        ? []
        : [problem(entry, 'must have acceptedBy and acceptedAt, or notAccepted: acknowledged')]),
    ];
  });
}

/** The providers of the organisation and of its locations: their terms are accepted, and they record there. */
function checkPlaces(config: TreeView, organisation: TreeView): PlacedMessage[] {
  const own = organisation.get('provider').text() ?? DEFAULTS.organisation.provider;
  const ownRegion = organisation.get('region');
  const problems: PlacedMessage[] = checkTerms(config, organisation, own);
  if (ownRegion.exists) {
    problems.push(...checkRegion(config, own, ownRegion, ownRegion));
  }
  for (const [, location] of organisation.get('locations').entries()) {
    const provider = location.get('provider');
    const name = provider.text() ?? INHERIT_PROVIDER;
    const effective = name === INHERIT_PROVIDER ? own : name;
    if (name !== INHERIT_PROVIDER) {
      const known = [...new Set([...namesOf(config, 'providers'), NO_PROVIDER, INHERIT_PROVIDER])];
      problems.push(...checkReference(provider, known, 'provider'));
      problems.push(...checkTerms(config, organisation, name));
    }
    const region = location.get('region').exists ? location.get('region') : ownRegion;
    const isChecked = location.get('region').exists || name !== INHERIT_PROVIDER;
    if (region.exists && isChecked) {
      problems.push(
        ...checkRegion(
          config,
          effective,
          region,
          location.get('region').exists ? region : provider,
        ),
      );
    }
  }
  return problems;
}

function checkTerms(config: TreeView, organisation: TreeView, name: string): PlacedMessage[] {
  const provider = config.get('providers').get(name);
  if (provider.get('termsOfService').text() !== 'required') {
    return [];
  }
  const entry = organisation.get('termsOfService').get(name);
  const message =
    `of the provider ${name} are not accepted: write acceptedBy and acceptedAt, or notAccepted: acknowledged, ` +
    'and then no call is recorded there';
  return entry.exists ? [] : [problem(entry, message)];
}

function checkRegion(
  config: TreeView,
  provider: string,
  region: TreeView,
  at: TreeView,
): PlacedMessage[] {
  const regions = config.get('providers').get(provider).get('regions').items();
  const names = regions.map(each => each.text() ?? '');
  return names.length === 0 || names.includes(region.text() ?? '')
    ? []
    : [
        problem(
          at,
          `is outside the regions of the provider ${provider} (${names.join(', ')}): ${region.text() ?? ''}`,
        ),
      ];
}

/** Somebody must be able to say what has to be said. */
function checkLanguages(config: TreeView, organisation: TreeView): PlacedMessage[] {
  const prompts = config.get('prompts');
  const rendered =
    prompts.get('source').text() === 'freeswitch'
      ? prompts
          .get('freeswitch')
          .get('prompts')
          .entries()
          .filter(([, each]) => PROMPT_KINDS.every(kind => each.get(kind).exists))
          .map(([name]) => name)
      : [];
  const spoken: readonly string[] = [...PACKAGED_LANGUAGES, ...rendered];
  const custom = organisation.get('customAudio');
  const hasAll = PROMPT_KINDS.every(kind => custom.get(kind).exists);
  const places = [
    organisation,
    ...organisation
      .get('locations')
      .entries()
      .map(([, each]) => each),
  ];
  return places.flatMap(place => {
    const language = place.get('language');
    const name = language.text();
    return name === null || hasAll || spoken.includes(name)
      ? []
      : [
          problem(
            language,
            `has no prompts: there are ${spoken.join(', ')}; give customAudio for every kind ` +
              `(${PROMPT_KINDS.join(', ')}), or all of them in prompts.freeswitch.prompts.${name}`,
          ),
        ];
  });
}

function checkCustomAudio(audio: TreeView): PlacedMessage[] {
  return audio.entries().flatMap(([, file]) => {
    const message = file.text() === null ? null : wavFileProblem(file.text() ?? '');
    return message === null ? [] : [problem(file, message)];
  });
}

function* checkUsers(organisation: TreeView, problems: PlacedMessage[]): SlicedWork<void> {
  const locations = namesOf(organisation, 'locations');
  for (const [, user] of organisation.get('users').each()) {
    problems.push(
      ...checkReference(user.get('location'), locations, 'location'),
      ...checkLicence(user),
    );
    yield;
  }
}

/** Recording cannot be switched on for a licence that does not include it. */
export function checkLicence(user: TreeView): PlacedMessage[] {
  const licence = user.get('licence').text();
  const enabled = user.get('recording').get('enabled');
  return licence !== null && !RECORDING_LICENCES.includes(licence) && enabled.value === true
    ? [
        problem(
          enabled,
          `cannot be true with the licence ${licence}; recording is included in ${RECORDING_LICENCES.join(' and ')}`,
        ),
      ]
    : [];
}

/**
 * A call must find at most one user behind an identity. Extensions are an organisation's own, and a location's own where
 * the users have one; everything else is worldwide.
 */
export function* checkIdentities(config: TreeView): SlicedWork<PlacedMessage[]> {
  const problems: PlacedMessage[] = [];
  const owners = new Map<string, string>();
  for (const [organisationName, organisation] of config.get('organisations').entries()) {
    for (const [userName, user] of organisation.get('users').each()) {
      yield;
      const owner = `${userName} of ${organisationName}`;
      const location = user.get('location').text() ?? '';
      for (const identity of user.get('identities').items()) {
        const parsed = parseIdentity(identity.text() ?? '');
        if (parsed === null) {
          continue;
        }
        const key = parsed.startsWith('ext:')
          ? `${organisationName}/${location}/${parsed}`
          : parsed;
        const other = owners.get(key);
        if (other !== undefined && other !== owner) {
          const message = `identifies ${other} already; an identity belongs to one user`;
          problems.push(problem(identity, message));
        } else {
          owners.set(key, owner);
        }
      }
    }
  }
  return problems;
}
