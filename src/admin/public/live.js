import { listen } from './live-stream.js';
import { showCalls, showElapsed, showLevels, showProviders } from './live-view.js';

const TOKEN_KEY = 'siprec-gateway.token';
const MAX_SHOWN = 50;
/** Many things happen at once: what they changed is asked for once. */
const SETTLE_MS = 150;
/** What no event tells (a provider that comes back) is seen this late. */
const REFRESH_MS = 5000;

const part = id => document.getElementById(id);
const page = {
  calls: part('calls'),
  forget: part('forget'),
  form: part('token-form'),
  live: part('live'),
  message: part('message'),
  noCalls: part('no-calls'),
  providers: part('providers'),
  summary: part('summary'),
  token: part('token'),
  tokenError: part('token-error'),
};

let running = null;

function headers() {
  const token = sessionStorage.getItem(TOKEN_KEY);
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

/** @throws Error with what the gateway says. */
async function ask(path, options = {}) {
  const response = await fetch(path, { ...options, headers: { ...headers(), ...options.headers } });
  if (response.status === 401 || (response.status === 403 && options.method === undefined)) {
    const { error } = await response.json();
    throw Object.assign(new Error(error), { needsToken: true });
  }
  const answer = await response.json();
  if (!response.ok) {
    throw new Error(answer.error);
  }
  return answer;
}

async function control(call, recording, action, button) {
  // Not `disabled`: that would take the focus away from who uses the keyboard.
  if (button.ariaBusy === 'true') {
    return;
  }
  button.ariaBusy = 'true';
  page.message.textContent = '';
  const which =
    recording.recordingId === null
      ? { userId: recording.userId }
      : { recordingId: recording.recordingId };
  try {
    await ask(`v1/calls/${encodeURIComponent(call.callId)}/recording`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ action, ...which }),
    });
  } catch (error) {
    page.message.textContent = `${action} of ${recording.userId}: ${error.message}`;
  }
  button.ariaBusy = 'false';
  running?.refreshSoon();
}

/** Everything that goes on while the page is shown to somebody who may see it. */
class Live {
  #abort = new AbortController();
  #levels = null;
  #watched = '';
  #timer = null;
  #isConnected = false;
  #total = 0;

  start() {
    page.form.hidden = true;
    page.live.hidden = false;
    page.forget.hidden = sessionStorage.getItem(TOKEN_KEY) === null;
    void listen('v1/events', headers, event => this.#onEvent(event), this.#abort.signal);
    const clock = setInterval(() => {
      if (this.#abort.signal.aborted) {
        clearInterval(clock);
      } else {
        showElapsed(page.calls, Date.now());
      }
    }, 500);
    void this.#refresh();
  }

  stop() {
    this.#abort.abort();
    this.#levels?.abort();
    clearTimeout(this.#timer);
    page.live.hidden = true;
  }

  refreshSoon(delayMs = SETTLE_MS) {
    clearTimeout(this.#timer);
    if (!this.#abort.signal.aborted) {
      this.#timer = setTimeout(() => void this.#refresh(), delayMs);
    }
  }

  #onEvent(event) {
    if (this.#abort.signal.aborted) {
      return;
    }
    if (event === 'refused') {
      refuse();
      return;
    }
    this.#isConnected = event !== 'lost';
    this.#summarise();
    if (event !== 'lost') {
      this.refreshSoon();
    }
  }

  async #refresh() {
    try {
      const [{ calls, total }, { providers }] = await Promise.all([
        ask(`v1/calls?limit=${MAX_SHOWN}`),
        ask('v1/providers'),
      ]);
      if (this.#abort.signal.aborted) {
        return;
      }
      this.#total = total;
      showCalls(page.calls, calls, control);
      showElapsed(page.calls, Date.now());
      showProviders(page.providers, providers);
      page.noCalls.hidden = calls.length > 0;
      this.#watchLevels(calls.map(({ callId }) => callId));
    } catch (error) {
      if (this.#abort.signal.aborted) {
        return;
      }
      if (error.needsToken) {
        refuse();
        return;
      }
      this.#isConnected = false;
    }
    this.#summarise();
    this.refreshSoon(REFRESH_MS);
  }

  /** Levels of the calls that are shown, and only while the page can be seen. */
  #watchLevels(callIds) {
    const wanted = document.hidden ? '' : callIds.join(',');
    if (wanted === this.#watched) {
      return;
    }
    this.#watched = wanted;
    this.#levels?.abort();
    this.#levels = null;
    if (wanted !== '') {
      this.#levels = new AbortController();
      const onEvent = (event, data) => {
        if (event === 'levels') {
          showLevels(page.calls, data);
        }
      };
      const query = new URLSearchParams({ calls: wanted });
      void listen(`v1/levels?${query}`, headers, onEvent, this.#levels.signal);
    }
  }

  #summarise() {
    const count = this.#total === 1 ? '1 call' : `${this.#total} calls`;
    const more = this.#total > MAX_SHOWN ? `, the newest ${MAX_SHOWN} are shown` : '';
    const text = this.#isConnected
      ? `${count} now${more}`
      : 'The gateway does not answer; trying again…';
    if (page.summary.textContent !== text) {
      page.summary.textContent = text;
    }
  }
}

/** A token that was given is not good enough; without one there is nothing to complain about yet. */
function refuse() {
  const hadToken = sessionStorage.getItem(TOKEN_KEY) !== null;
  askForToken(hadToken ? 'The gateway does not accept this token.' : '');
}

function askForToken(error) {
  running?.stop();
  running = null;
  sessionStorage.removeItem(TOKEN_KEY);
  page.summary.textContent = '';
  page.forget.hidden = true;
  page.tokenError.textContent = error;
  page.form.hidden = false;
  page.token.focus();
}

function begin() {
  running = new Live();
  running.start();
}

page.form.addEventListener('submit', event => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN_KEY, page.token.value.trim());
  page.token.value = '';
  page.tokenError.textContent = '';
  begin();
});
page.forget.addEventListener('click', () => askForToken(''));
document.addEventListener('visibilitychange', () => running?.refreshSoon(0));
begin();
