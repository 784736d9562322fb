import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';

import { freeUdpPort } from './free-port';
import { waitUntil } from './wait-until';

export const BARESIP_INSTALL_HINT =
  'baresip is missing: install it with `apt-get install baresip-core` (Debian, Ubuntu)';
const EXIT_DEADLINE_MS = 3_000;

/**
 * `describe` for suites that need baresip. Without it the suite fails under CI and is skipped elsewhere, and
 * in both cases it says what to install.
 */
export function describeWithBaresip(name: string, body: () => void): void {
  if (spawnSync('baresip', ['-h'], { stdio: 'ignore' }).error === undefined) {
    describe(name, body);
  } else if (process.env['CI'] === undefined) {
    process.stderr.write(`${BARESIP_INSTALL_HINT}; skipped: ${name}\n`);
    describe.skip(name, body);
  } else {
    describe(name, () => {
      test('baresip is installed', () => {
        throw new Error(BARESIP_INSTALL_HINT);
      });
    });
  }
}

export interface BaresipOptions {
  readonly user: string;
  readonly transport: 'udp' | 'tcp' | 'tls';
  /** For UDP and TCP; TLS is at the port above. */
  readonly sipPort: number;
  /** With TLS: paths of its certificate and key, and of the CA that it believes. */
  readonly tls?: { readonly certPath: string; readonly keyPath: string; readonly caPath: string };
  /** Offers SDES SRTP and takes nothing else. */
  readonly srtp?: boolean;
  /** It plays this tone. */
  readonly toneHz: number;
  /** Its configuration and the WAV of what it hears go here. */
  readonly folder: string;
  readonly answersItself?: boolean;
}

/** A baresip phone without a sound card, remotely controlled. */
export interface BaresipPhone {
  /** WAVs of what it heard, one after the other: each new description begins one. There after {@link quit}. */
  heardWavs(): readonly string[];
  output(): string;
  /** A command of its menu, e.g. `dial` with a URI. */
  command(name: string, parameters?: string): void;
  /** Waits until it has printed this. */
  waitForOutput(text: RegExp, deadlineMs?: number): Promise<void>;
  /** Idempotent. */
  quit(): Promise<void>;
}

/** Starts a phone and resolves when it takes commands. */
export async function startBaresip(options: BaresipOptions): Promise<BaresipPhone> {
  const { folder } = options;
  const controlPort = await freeUdpPort();
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config'), configFile(options, controlPort));
  writeFileSync(join(folder, 'accounts'), account(options));
  writeFileSync(join(folder, 'contacts'), '');
  const child = spawn('baresip', ['-4', '-f', folder], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<void>(done => child.once('exit', () => done()));
  const waitForOutput = async (text: RegExp, deadlineMs = 10_000): Promise<void> => {
    await waitUntil(() => text.test(output), `baresip prints ${String(text)}`, deadlineMs).catch(
      (error: unknown) => {
        child.kill('SIGKILL');
        throw new Error(`${String(error)}\n${output}`);
      },
    );
  };
  await waitForOutput(/baresip is ready/);
  const control = await connected(controlPort);
  const command = (name: string, parameters = ''): void => {
    const json = JSON.stringify({ command: name, params: parameters, token: name });
    control.write(`${Buffer.byteLength(json)}:${json},`);
  };
  const quit = async (): Promise<void> => {
    command('quit');
    const timer = setTimeout(() => child.kill('SIGKILL'), EXIT_DEADLINE_MS);
    await exited;
    clearTimeout(timer);
    control.destroy();
  };
  let quitting: Promise<void> | null = null;
  return {
    heardWavs: () =>
      readdirSync(folder)
        .filter(name => name.endsWith('-dec.wav'))
        .sort()
        .map(name => join(folder, name)),
    output: () => output,
    command,
    waitForOutput,
    quit: () => (quitting ??= quit()),
  };
}

function account(options: BaresipOptions): string {
  const { user, transport, sipPort, answersItself = false, srtp = false } = options;
  const answer = answersItself ? ';answermode=auto' : '';
  const security = srtp ? ';mediaenc=srtp-mand' : '';
  const port = transport === 'tls' ? sipPort + 1 : sipPort;
  return `<sip:${user}@127.0.0.1:${port};transport=${transport}>;regint=0;audio_codecs=PCMU/8000/1${security}${answer}\n`;
}

function configFile(options: BaresipOptions, controlPort: number): string {
  return [
    'poll_method poll',
    `sip_listen 127.0.0.1:${options.sipPort}`,
    ...tlsLines(options),
    'net_interface 127.0.0.1',
    `audio_source ausine,${options.toneHz}`,
    // A bridge that leads nowhere: there is no sound card. What is heard is dumped by sndfile.
    'audio_player aubridge,nowhere',
    'audio_alert aubridge,nowhere',
    // All that ausine makes; baresip converts it.
    'ausrc_srate 48000',
    'ausrc_channels 2',
    'auplay_channels 1',
    'module_path /usr/lib/baresip/modules',
    'module g711.so',
    'module ausine.so',
    'module aubridge.so',
    'module sndfile.so',
    ...(options.srtp === true ? ['module srtp.so'] : []),
    `snd_path ${options.folder}`,
    'module_tmp uuid.so',
    'module_tmp account.so',
    'module_app menu.so',
    'module_app ctrl_tcp.so',
    `ctrl_tcp_listen 127.0.0.1:${controlPort}`,
    '',
  ].join('\n');
}

/** It wants certificate and key in one file. */
function tlsLines({ tls, folder }: BaresipOptions): string[] {
  if (tls === undefined) {
    return [];
  }
  const pem = join(folder, 'phone.pem');
  writeFileSync(pem, readFileSync(tls.certPath, 'utf8') + readFileSync(tls.keyPath, 'utf8'));
  return [`sip_certificate ${pem}`, `sip_cafile ${tls.caPath}`, 'sip_verify_server yes'];
}

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      // What it reports is on its output as well; the far end may go first.
      socket.on('error', () => undefined);
      socket.resume();
      resolve(socket);
    });
    socket.once('error', reject);
  });
}
