/** Turns what the API says into the page. Text only ever goes in as text, never as markup. */

const ROLES = ['caller', 'callee'];
const SILENT_DBFS = -60;
const PHASE_WORDS = {
  waiting: 'not begun',
  off: 'not recording',
  barred: 'not to be recorded',
  ended: 'ended',
};
const ACTION_WORDS = { start: 'Start', stop: 'Stop', pause: 'Pause', resume: 'Resume' };

/** A new element with classes and content (text or elements). */
function element(tag, className, ...content) {
  const made = document.createElement(tag);
  if (className) {
    made.className = className;
  }
  made.append(...content);
  return made;
}

/** `1:05`, `1:02:03`. */
export function elapsedText(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = number => String(number).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(seconds % 60)}`
    : `${minutes}:${two(seconds % 60)}`;
}

/** What a recording does now, as a word and how good that is. */
export function recordingState({ phase, keep, session }) {
  if (session === 'lost' || session === 'failed') {
    return { word: session === 'lost' ? 'recorder lost' : 'not recorded', tone: 'bad' };
  }
  if (phase === 'paused') {
    return { word: 'paused', tone: 'warn' };
  }
  if (phase === 'on') {
    return keep === 'undecided'
      ? { word: 'recording, not kept yet', tone: 'warn' }
      : { word: 'recording', tone: 'good' };
  }
  return { word: PHASE_WORDS[phase] ?? phase, tone: 'quiet' };
}

function partyName({ aor, displayName, userId }) {
  const name = displayName || userId;
  return name ? `${name} (${aor})` : aor;
}

function meterRow(call, role) {
  const meter = element('meter', '');
  Object.assign(meter, { min: SILENT_DBFS, max: 0, low: -50, high: -6, optimum: -20 });
  meter.value = SILENT_DBFS;
  meter.dataset.role = role;
  meter.setAttribute('aria-label', `Level of the ${role}`);
  return [element('span', 'quiet', role), meter];
}

function notices(list) {
  const played = list.filter(({ startedAtMs }) => startedAtMs !== null);
  if (played.length === 0) {
    return [];
  }
  const counts = new Map();
  played.forEach(({ kind }) => counts.set(kind, (counts.get(kind) ?? 0) + 1));
  const words = [...counts].map(([kind, count]) => (count > 1 ? `${kind} ×${count}` : kind));
  return [element('p', 'notices quiet', `Notices played: ${words.join(', ')}`)];
}

function recordingPart(call, recording, onControl) {
  const { word, tone } = recordingState(recording);
  const buttons = recording.actions.map(action => {
    const button = element('button', '', ACTION_WORDS[action]);
    button.type = 'button';
    button.dataset.action = action;
    button.setAttribute(
      'aria-label',
      `${ACTION_WORDS[action]} the recording of ${recording.userId}`,
    );
    button.addEventListener('click', () => onControl(call, recording, action, button));
    return button;
  });
  const badge = element('span', `badge ${tone}`, word);
  badge.dataset.field = 'state';
  return element(
    'div',
    'recording',
    element(
      'div',
      'row',
      badge,
      element('span', '', `${recording.userId} (${recording.role})`),
      element('span', 'quiet', `${recording.mode} · ${recording.providerId}`),
      ...buttons,
    ),
    ...notices(recording.notices),
  );
}

function callCard(call, onControl) {
  const { caller, callee } = call.parties;
  const elapsed = element('span', 'elapsed', '');
  elapsed.dataset.since = String(call.answeredAtMs ?? call.arrivedAtMs);
  const card = element(
    'li',
    'card',
    element(
      'div',
      'row',
      element('span', 'parties', `${partyName(caller)} → ${partyName(callee)}`),
      element('span', 'badge quiet', call.state),
      elapsed,
    ),
    element('div', 'meters', ...ROLES.flatMap(role => meterRow(call, role))),
    ...(call.isAnchored
      ? []
      : [element('p', 'warn', 'Its media does not pass through the gateway.')]),
    ...call.recordings.map(recording => recordingPart(call, recording, onControl)),
  );
  card.dataset.call = call.callId;
  return card;
}

/** Shows the calls; a card that has not changed stays, and with it focus and meters. */
export function showCalls(list, calls, onControl) {
  const known = new Map([...list.children].map(card => [card.dataset.call, card]));
  const cards = calls.map(call => {
    const content = JSON.stringify({ ...call, parties: strip(call.parties) });
    const old = known.get(call.callId);
    if (old?.dataset.content === content) {
      return old;
    }
    const hadFocus = old?.contains(document.activeElement)
      ? document.activeElement.dataset.action
      : undefined;
    const card = callCard(call, onControl);
    card.dataset.content = content;
    if (old !== undefined) {
      ROLES.forEach(role => (meterOf(card, role).value = meterOf(old, role).value));
    }
    return Object.assign(card, { refocus: hadFocus });
  });
  list.replaceChildren(...cards);
  cards
    .filter(({ refocus }) => refocus !== undefined)
    .forEach(card => {
      (
        card.querySelector(`[data-action="${card.refocus}"]`) ?? card.querySelector('button')
      )?.focus();
      card.refocus = undefined;
    });
}

/** Levels change all the time and are shown by the meters alone. */
function strip(parties) {
  return Object.fromEntries(ROLES.map(role => [role, { ...parties[role], levelDbfs: undefined }]));
}

function meterOf(card, role) {
  return card.querySelector(`meter[data-role="${role}"]`);
}

/** Moves the meters. @param levels `[{callId, caller, callee}]` in dBFS or null */
export function showLevels(list, levels) {
  const cards = new Map([...list.children].map(card => [card.dataset.call, card]));
  for (const level of levels) {
    const card = cards.get(level.callId);
    if (card !== undefined) {
      ROLES.forEach(role => {
        const meter = meterOf(card, role);
        meter.value = Math.max(SILENT_DBFS, level[role] ?? SILENT_DBFS);
        meter.title = level[role] === null ? 'nothing is sent' : `${Math.round(level[role])} dBFS`;
      });
    }
  }
}

/** Time goes on without asking. @param skewMs what the gateway's clock is ahead of ours */
export function showElapsed(list, nowMs) {
  for (const field of list.querySelectorAll('[data-since]')) {
    field.textContent = elapsedText(nowMs - Number(field.dataset.since));
  }
}

export function showProviders(list, providers) {
  const tones = { up: 'good', down: 'bad', unknown: 'quiet' };
  list.replaceChildren(
    ...providers.map(({ providerId, state, openRecordings, lastFailure, targets }) => {
      const card = element(
        'li',
        'card',
        element(
          'div',
          'row',
          element('strong', '', providerId),
          element('span', `badge ${tones[state]}`, state),
          element('span', 'quiet', `${openRecordings} recording`),
        ),
        ...(state === 'down' ? [element('p', 'bad', `Last failure: ${lastFailure}`)] : []),
      );
      card.title = targets.join('\n');
      card.dataset.provider = providerId;
      return card;
    }),
  );
}
