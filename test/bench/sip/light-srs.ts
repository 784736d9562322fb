import { fork } from 'node:child_process';
import { join } from 'node:path';

import { end, nextMessage } from '../peers/start-peer';
import { type SrsCounts } from './srs-process';

export interface LightSrs {
  readonly uri: string;
  counts(): Promise<SrsCounts>;
  close(): Promise<void>;
}

export async function startLightSrs(): Promise<LightSrs> {
  const child = fork(join(__dirname, 'srs-process.js'), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const { port } = (await nextMessage(child)) as SrsCounts;
  return {
    uri: `sip:srs@127.77.0.30:${port};transport=tcp`,
    counts: () => {
      child.send('counts');
      return nextMessage(child) as Promise<SrsCounts>;
    },
    close: () => end(child),
  };
}
