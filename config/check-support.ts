import { nearest } from './did-you-mean';
import { type PlacedMessage } from './issue-text';
import { type TreeView } from './tree-view';

/** A problem at a place. */
export function problem(view: TreeView, message: string): PlacedMessage {
  return { path: view.path, message };
}

/** The name at `view` must be one of `known`; a missing one stands for `fallback`. */
export function checkReference(
  view: TreeView,
  known: readonly string[],
  what: string,
  fallback: string | null = null,
): PlacedMessage[] {
  const name = view.exists ? view.text() : fallback;
  if (name === null || known.includes(name)) {
    return [];
  }
  const meant = nearest(name, known);
  const list =
    known.length === 0 ? 'none is defined' : `defined are ${known.slice(0, 10).join(', ')}`;
  const hint = meant === null ? list : `did you mean ${meant}?`;
  return [problem(view, `names the ${what} "${name}", which does not exist; ${hint}`)];
}

/** Names in a mapping of the root, such as `providers`. */
export function namesOf(config: TreeView, section: string): string[] {
  return config
    .get(section)
    .entries()
    .map(([name]) => name);
}

/** Whether a location, trunk or route names an organisation, and a location of it, that exist. */
export function checkPlace(view: TreeView, config: TreeView): PlacedMessage[] {
  const organisation = view.get('organisation');
  const location = view.get('location');
  if (!organisation.exists) {
    return location.exists ? [problem(location, 'needs organisation: whose location it is')] : [];
  }
  const locations = namesOf(
    config.get('organisations').get(organisation.text() ?? ''),
    'locations',
  );
  return [
    ...checkReference(organisation, namesOf(config, 'organisations'), 'organisation'),
    ...checkReference(location, locations, 'location'),
  ];
}
