import { errorMessage } from '#core';
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { DgramPacketIo } from '../io/dgram/dgram-packet-io';
import { LinuxPacketIo } from '../io/linux/linux-packet-io';
import { type PacketIo } from '../io/packet-io';
import { chooseCryptoBackend } from '../srtp/choose-backend';
import { SrtpRows } from '../srtp/srtp-rows';
import { WorkerControl } from './control';
import { COUNTER_STRIDE } from './counters';
import { PacketLoop } from './packet-loop';
import { type WorkerCommand, type WorkerEvent, type WorkerSetup } from './protocol';

/** Packets of two kinds in two directions. */
const SRTP_ROWS_PER_SLOT = 4;

/** A source of commands: either waiting on the port between rounds, or delivered by the event loop. */
interface Inbox {
  take(): WorkerCommand | null;
}

function waitingInbox(port: MessagePort): Inbox {
  let batch: WorkerCommand[] = [];
  return {
    take: () => {
      while (batch.length === 0) {
        const received = receiveMessageOnPort(port) as { message: WorkerCommand[] } | undefined;
        if (received === undefined) {
          return null;
        }
        batch = received.message;
      }
      return batch.shift() ?? null;
    },
  };
}

function createIo(setup: WorkerSetup): { io: PacketIo; inbox: Inbox } {
  if (setup.backend === 'linux') {
    const openFds = new Int32Array(setup.openFds);
    const io = new LinuxPacketIo({ wakeFd: setup.wakeFd, openFds });
    return { io, inbox: waitingInbox(setup.port) };
  }
  const queue: WorkerCommand[] = [];
  const io = new DgramPacketIo(wake => {
    setup.port.on('message', (commands: WorkerCommand[]) => {
      queue.push(...commands);
      wake();
    });
  });
  return { io, inbox: { take: () => queue.shift() ?? null } };
}

function main(setup: WorkerSetup): void {
  const emit = (event: WorkerEvent): void => {
    setup.port.postMessage(event);
  };
  try {
    const { io, inbox } = createIo(setup);
    const counters = new Float64Array(setup.counters);
    const { settings } = setup;
    const slots = counters.length / COUNTER_STRIDE;
    const rows = new SrtpRows(SRTP_ROWS_PER_SLOT * slots);
    const crypto = chooseCryptoBackend(bytes => io.allocate(bytes), rows);
    const control = new WorkerControl({ io, crypto, counters, settings, emit });
    const loop = new PacketLoop({
      io,
      counters,
      settings,
      emit,
      slots,
      crypto,
      control: () => {
        for (let command = inbox.take(); command !== null; command = inbox.take()) {
          if (!control.execute(command)) {
            return false;
          }
        }
        return true;
      },
      onDrained: recording => control.finishRecording(recording),
    });
    control.attach(loop);
    emit({ kind: 'ready' });
    io.run(loop, () => {
      emit({ kind: 'ended' });
      setup.port.close();
    });
  } catch (error) {
    emit({ kind: 'failed', message: errorMessage(error) });
    throw error;
  }
}

main(workerData as WorkerSetup);
