import { problem } from './check-support';
import { DEFAULTS } from './defaults';
import { isLoopbackIp } from './ip-address';
import { type PlacedMessage } from './issue-text';
import { type TreeView } from './tree-view';

const CODES = ['start', 'stop', 'pause', 'resume'] as const;

/** Feature codes that cannot be told apart, tones that are all ramp. */
export function checkCalls(config: TreeView): PlacedMessage[] {
  return [
    ...checkFeatureCodes(config.get('featureCodes')),
    ...(['reminderTone', 'beep'] as const).flatMap(name =>
      checkTone(config.get('notices').get(name)),
    ),
    ...checkPrompts(config.get('prompts')),
  ];
}

function checkFeatureCodes(codes: TreeView): PlacedMessage[] {
  const problems: PlacedMessage[] = [];
  const seen: [string, string][] = [];
  for (const name of CODES) {
    const code = codes.get(name).exists ? codes.get(name).text() : DEFAULTS.featureCodes[name];
    if (code === null || code === 'none') {
      continue;
    }
    const clash = seen.find(([, other]) => code.startsWith(other) || other.startsWith(code));
    if (clash !== undefined) {
      const message = `${code} cannot be told from ${clash[1]} (${clash[0]}): one begins with the other`;
      problems.push(problem(codes.get(name), message));
    }
    seen.push([name, code]);
  }
  return problems;
}

function checkTone(tone: TreeView): PlacedMessage[] {
  const durationMs = tone.get('durationMs').number() ?? DEFAULTS.notices.tone.durationMs;
  const rampMs = tone.get('rampMs').number() ?? DEFAULTS.notices.tone.rampMs;
  return rampMs * 2 > durationMs
    ? [problem(tone, `has no time at its level: two ramps of ${rampMs} ms in ${durationMs} ms`)]
    : [];
}

function checkPrompts(prompts: TreeView): PlacedMessage[] {
  const freeswitch = prompts.get('freeswitch');
  if (prompts.get('source').text() === 'freeswitch' && !freeswitch.exists) {
    return [
      problem(
        freeswitch,
        'is required with source: freeswitch: host and secret of its event socket',
      ),
    ];
  }
  return freeswitch
    .get('prompts')
    .entries()
    .flatMap(([, language]) => {
      const isSpoken = language.entries().some(([, each]) => each.text()?.startsWith('say:'));
      return isSpoken && !language.get('voice').exists
        ? [problem(language.get('voice'), 'is required for what is to be spoken (say:)')]
        : [];
    });
}

/** Tokens that say what they are, and webhooks that tell each other apart. */
export function checkAccess(config: TreeView): PlacedMessage[] {
  const problems: PlacedMessage[] = [];
  const names = new Set<string>();
  const admin = config.get('admin');
  const host = admin.get('host').text() ?? DEFAULTS.admin.host;
  if (
    admin.get('enabled').value !== false &&
    !isLoopbackIp(host) &&
    admin.get('tokens').items().length === 0
  ) {
    const message = 'must name a token when admin.host is an address that others can reach';
    problems.push(problem(admin.get('tokens'), message));
  }
  for (const token of config.get('admin').get('tokens').items()) {
    const name = token.get('name').text();
    if (token.get('sha256').exists === token.get('token').exists) {
      problems.push(problem(token, 'must have exactly one of sha256 and token'));
    }
    if (name !== null && names.has(name)) {
      problems.push(problem(token.get('name'), `is the name of two tokens: ${name}`));
    }
    names.add(name ?? '');
  }
  for (const webhook of config.get('webhooks').items()) {
    const url = webhook.get('url').text() ?? '';
    if (URL.canParse(url) && new URL(url).protocol === 'http:' && !isLocal(new URL(url).hostname)) {
      const message = 'must be https: events tell who calls whom (http: is for this machine only)';
      problems.push(problem(webhook.get('url'), message));
    }
  }
  return problems;
}

function isLocal(host: string): boolean {
  return host === 'localhost' || isLoopbackIp(host.replace(/^\[|\]$/g, ''));
}
