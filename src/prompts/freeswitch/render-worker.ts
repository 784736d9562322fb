import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';

import { errorMessage, systemClock, withDeadline } from '#core';
import Mrf from 'drachtio-fsmrf';
import Srf from 'drachtio-srf';

import { EslRelay } from './esl-relay';
import {
  type EndpointLike,
  type MediaServerLike,
  type MrfConstructor,
  type SrfOfEngine,
} from './fsmrf-types';
import { type PromptOrder, type RenderedPrompt, type RenderJob } from './render-protocol';
import { RtpCapture } from './rtp-capture';
import { mediaHostOf, speechOffer } from './speech-offer';

/*
 * A thread that lives for one job. drachtio-fsmrf throws inside of socket callbacks, goes on connecting for ever, and
 * has timers that nobody can cancel: here all that ends with the thread.
 */

const CONNECT_TIMEOUT_MS = 5000;
/** What is still under way when FreeSWITCH says that it has ended, ms. */
const GRACE_MS = 300;
const BYE_TIMEOUT_MS = 1000;

const job = workerData as RenderJob;

/** Rejects when something outside of a prompt has gone wrong for good. */
let breakOff: (error: Error) => void = () => undefined;
const broken = new Promise<never>((_, reject) => {
  breakOff = reject;
});
broken.catch(() => undefined);

void main();

async function main(): Promise<void> {
  let server: MediaServerLike;
  try {
    server = await Promise.race([connectServer(), broken]);
  } catch (error) {
    job.orders.forEach(({ promptId }) => tell({ promptId, error: errorMessage(error) }));
    return;
  }
  for (const order of job.orders) {
    const { promptId } = order;
    try {
      tell(await Promise.race([render(server, order), broken]));
    } catch (error) {
      tell({ promptId, error: errorMessage(error) });
    }
  }
}

function tell(result: RenderedPrompt): void {
  parentPort?.postMessage(result);
}

/** @throws Error that says why FreeSWITCH cannot be used. */
async function connectServer(): Promise<MediaServerLike> {
  const { freeswitch, localHost, advertisedHost } = job;
  const srf = await connectEngine();
  const failed = (reason: string): void => {
    breakOff(new Error(`event socket of ${freeswitch.host}:${freeswitch.port}: ${reason}`));
  };
  const outgoing = new EslRelay({
    listen: { host: '127.0.0.1', port: 0 },
    target: { host: freeswitch.host, port: freeswitch.port },
    from: '127.0.0.1',
    counted: 'target',
    failed,
  });
  const port = await outgoing.listen();
  // The library's own listener is reached through a relay, whose target must be known first.
  const inner = await freePort();
  const incoming = new EslRelay({
    listen: { host: localHost, port: 0 },
    target: { host: '127.0.0.1', port: inner },
    from: null,
    counted: 'client',
    failed,
  });
  const advertisedPort = await incoming.listen();
  const mrf = new (Mrf as unknown as MrfConstructor)(srf);
  const connected = mrf.connect({
    address: '127.0.0.1',
    port,
    secret: freeswitch.secret,
    profile: freeswitch.profile,
    listenAddress: '127.0.0.1',
    listenPort: inner,
    advertisedAddress: advertisedHost,
    advertisedPort,
  });
  return withDeadline(
    systemClock,
    connected,
    CONNECT_TIMEOUT_MS,
    () => new Error(`event socket of ${freeswitch.host}:${freeswitch.port}: no answer`),
  );
}

async function freePort(): Promise<number> {
  const probe = new EslRelay({
    listen: { host: '127.0.0.1', port: 0 },
    target: { host: '127.0.0.1', port: 9 },
    from: null,
    counted: 'client',
    failed: () => undefined,
  });
  const port = await probe.listen();
  probe.close();
  return port;
}

async function connectEngine(): Promise<unknown> {
  const srf = new Srf() as unknown as SrfOfEngine;
  const connected = new Promise<void>((resolve, reject) => {
    srf.on('connect', error => (error === null ? resolve() : reject(error)));
    srf.on('error', reject);
  });
  srf.connect(job.engine);
  await withDeadline(
    systemClock,
    connected,
    CONNECT_TIMEOUT_MS,
    () => new Error('the SIP engine of the job does not answer'),
  );
  return srf;
}

async function render(server: MediaServerLike, order: PromptOrder): Promise<RenderedPrompt> {
  const socket = createSocket(job.localHost.includes(':') ? 'udp6' : 'udp4');
  socket.on('error', error => breakOff(error));
  socket.bind(0, job.localHost);
  await once(socket, 'listening');
  const capture = new RtpCapture();
  let endpoint: EndpointLike | null = null;
  const { promptTimeoutMs } = job;
  const late = (): Error => new Error(`it was not over after ${promptTimeoutMs / 1000} s`);
  try {
    const rendered = (async (): Promise<void> => {
      endpoint = await server.createEndpoint({
        remoteSdp: speechOffer(job.advertisedHost, socket.address().port),
      });
      await listen(endpoint, socket, capture, order);
    })();
    await withDeadline(systemClock, rendered, promptTimeoutMs, late);
  } finally {
    socket.close();
    await hangUp(endpoint);
  }
  const { clip } = capture;
  if (clip === null) {
    throw new Error('no audio came');
  }
  return { promptId: order.promptId, ...clip };
}

/** Resolves when the prompt has been played and heard. */
async function listen(
  endpoint: EndpointLike,
  socket: Socket,
  capture: RtpCapture,
  order: PromptOrder,
): Promise<void> {
  const host = mediaHostOf(endpoint.dialog.remote.sdp);
  const tooLong = new Promise<never>((_, reject) => {
    socket.on('message', (packet, { address }) => {
      if (address === host) {
        capture.take(packet);
        if (capture.isTooLong) {
          reject(new Error('it is longer than a minute'));
        }
      }
    });
  });
  const hungUp = new Promise<never>((_, reject) => {
    const ended = (): void => reject(new Error('FreeSWITCH hung up'));
    endpoint.dialog.on('destroy', ended);
    endpoint.on('destroy', ended);
  });
  hungUp.catch(() => undefined);
  tooLong.catch(() => undefined);
  await Promise.race([play(endpoint, order), hungUp, tooLong]);
  await new Promise<void>(resolve => {
    systemClock.setTimer(GRACE_MS, resolve);
  });
}

function play(endpoint: EndpointLike, { what }: PromptOrder): Promise<unknown> {
  return what.kind === 'file'
    ? endpoint.play(what.path)
    : endpoint.speak({ ttsEngine: what.engine, voice: what.voice, text: what.text });
}

/** By BYE: the endpoint's own way waits for FreeSWITCH to hang up. Bounded; never rejects. */
async function hangUp(endpoint: EndpointLike | null): Promise<void> {
  try {
    const ended = Promise.resolve(endpoint?.dialog.destroy()).then(() => undefined);
    await withDeadline(systemClock, ended, BYE_TIMEOUT_MS, () => new Error('no answer to BYE'));
  } catch {
    // It has gone already, or will be ended with the engine.
  }
}
