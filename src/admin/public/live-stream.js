/** Reads server-sent events with a token, which the browser's own EventSource cannot send. */

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;

/**
 * Listens until `signal` aborts; comes back by itself and catches up.
 * @param {string} url
 * @param {() => Record<string, string>} headers
 * @param {(event: string, data: unknown) => void} onEvent `open` and `lost` tell of the connection itself
 * @param {AbortSignal} signal
 */
export async function listen(url, headers, onEvent, signal) {
  let lastId = '';
  let retryMs = FIRST_RETRY_MS;
  while (!signal.aborted) {
    try {
      const again = lastId === '' ? {} : { 'last-event-id': lastId };
      const response = await fetch(url, { headers: { ...headers(), ...again }, signal });
      if (response.status === 401 || response.status === 403) {
        onEvent('refused', null);
        return;
      }
      if (response.ok) {
        onEvent('open', null);
        retryMs = FIRST_RETRY_MS;
        await read(response.body, message => {
          lastId = message.id ?? lastId;
          onEvent(message.event, JSON.parse(message.data));
        });
      }
    } catch {
      // The connection is gone: it is tried again below.
    }
    if (!signal.aborted) {
      onEvent('lost', null);
      await new Promise(resolve => setTimeout(resolve, retryMs));
      retryMs = Math.min(MAX_RETRY_MS, retryMs * 2);
    }
  }
}

async function read(body, onMessage) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    text += decoder.decode(value, { stream: true });
    const messages = text.split('\n\n');
    text = messages.pop();
    for (const message of messages) {
      const fields = Object.fromEntries(
        message
          .split('\n')
          .filter(line => line !== '' && !line.startsWith(':'))
          .map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      );
      if (fields.data !== undefined) {
        onMessage({ id: fields.id, event: fields.event ?? 'message', data: fields.data });
      }
    }
  }
}
