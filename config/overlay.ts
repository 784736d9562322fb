import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import * as path from 'node:path';
import { errorMessage, GatewayError } from '#core';
import { stringify } from 'yaml';
import { isMapping, type KeyPath } from './key-path';
import { type PlacedMessage } from './issue-text';
import { parseYamlSource, type YamlSource } from './yaml-source';

/*
 * The overlay holds what was changed while the gateway runs: a file of its own beside the configuration, laid over it at
 * every load. The hand-written file is never written to.
 */

/** What may be changed: settings of organisations, locations and users. Who somebody is stays in the files. */
const CHANGEABLE: Readonly<Record<string, readonly string[]>> = {
  organisation: [
    'provider',
    'recordingOff',
    'termsOfService',
    'language',
    'failureBehaviour',
    'complianceAnnouncement',
    'locations',
    'users',
  ],
  location: ['provider', 'language', 'failureBehaviour', 'complianceAnnouncement'],
  user: ['licence', 'recording', 'dubberPlan'],
};

/** `gateway.yaml` has `gateway.overlay.yaml` beside it. */
export function defaultOverlayFile(configFile: string): string {
  const { dir, name } = path.parse(configFile);
  return path.join(dir, `${name}.overlay.yaml`);
}

/** Reads an overlay; one that does not exist is empty. References to variables are not followed. @throws ConfigError */
export function readOverlay(file: string): YamlSource {
  try {
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    return parseYamlSource(text, file, {});
  } catch (error) {
    const message = `cannot be read: ${errorMessage(error)}`;
    return {
      root: null,
      problems: [{ source: file, line: null, path: '', message }],
      referredTo: new Set(),
      lineOf: () => null,
    };
  }
}

/** What an overlay holds that must not be changed that way, or names nobody. */
export function checkOverlay(overlay: unknown, base: unknown): readonly PlacedMessage[] {
  if (overlay === null || overlay === undefined) {
    return [];
  }
  if (!isMapping(overlay)) {
    return [{ path: [], message: 'must be a mapping of keys' }];
  }
  const problems: PlacedMessage[] = onlyKeys(overlay, ['organisations'], []);
  for (const [name, organisation] of entriesAt(overlay, 'organisations')) {
    const at = ['organisations', name];
    const known = at.reduce<unknown>(child, base);
    if (!isMapping(known) || !isMapping(organisation)) {
      problems.push({ path: at, message: 'is no organisation of the configuration' });
      continue;
    }
    problems.push(...onlyKeys(organisation, CHANGEABLE['organisation'] ?? [], at));
    for (const kind of ['locations', 'users'] as const) {
      const what = kind === 'users' ? 'user' : 'location';
      for (const [id, value] of entriesAt(organisation, kind)) {
        const path = [...at, kind, id];
        problems.push(
          ...(isMapping(value) && isMapping(child(child(known, kind), id))
            ? onlyKeys(value, CHANGEABLE[what] ?? [], path)
            : [{ path, message: `is no ${what} of the configuration` }]),
        );
      }
    }
  }
  return problems;
}

/**
 * Replaces the overlay file as a whole: written beside it, forced to disk, renamed. After a crash there is the old or the
 * new one, never half of one. @throws GatewayError `REC_ERR_CONFIG_OVERLAY_WRITE`
 */
export function writeOverlay(file: string, overlay: unknown): void {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    const header =
      '# Changed through the API of the gateway. Laid over the configuration at every load.\n';
    const body = isMapping(overlay) && Object.keys(overlay).length > 0 ? stringify(overlay) : '';
    writeDurably(temporary, header + body);
    renameSync(temporary, file);
    syncFolder(path.dirname(file));
  } catch (error) {
    if (existsSync(temporary)) {
      unlinkSync(temporary);
    }
    throw new GatewayError(
      'REC_ERR_CONFIG_OVERLAY_WRITE',
      `the overlay ${file} cannot be written: ${errorMessage(error)}`,
      { cause: error, details: { file } },
    );
  }
}

function writeDurably(file: string, text: string): void {
  const fd = openSync(file, 'w', 0o600);
  try {
    const bytes = Buffer.from(text);
    for (let offset = 0; offset < bytes.length;) {
      offset += writeSync(fd, bytes, offset);
    }
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The rename itself is durable only when the folder is. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function onlyKeys(
  mapping: Readonly<Record<string, unknown>>,
  allowed: readonly string[],
  at: KeyPath,
): PlacedMessage[] {
  return Object.keys(mapping)
    .filter(key => !allowed.includes(key))
    .map(key => ({
      path: [...at, key],
      message: `cannot be changed by the overlay; can be: ${allowed.join(', ')}`,
    }));
}

function entriesAt(mapping: unknown, key: string): [string, unknown][] {
  const value = child(mapping, key);
  return isMapping(value) ? Object.entries(value) : [];
}

function child(node: unknown, key: string): unknown {
  return isMapping(node) && Object.hasOwn(node, key) ? node[key] : undefined;
}
