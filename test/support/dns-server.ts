import { createSocket, type Socket } from 'node:dgram';

export type DnsRecord =
  | { readonly type: 'A'; readonly address: string; readonly ttlS?: number }
  | {
      readonly type: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly name: string;
    }
  | {
      readonly type: 'NAPTR';
      readonly order: number;
      readonly preference: number;
      readonly service: string;
      readonly replacement: string;
    };

const TYPES = { A: 1, NAPTR: 35, SRV: 33 } as const;

/** A DNS server on the loopback interface that knows a few names (RFC 1035, RFC 2782, RFC 3403). */
export class DnsServer {
  readonly #socket: Socket;
  readonly #zone: Readonly<Record<string, readonly DnsRecord[]>>;
  /** What it was asked, e.g. `SRV _sip._udp.example.com`. */
  readonly asked: string[] = [];
  /** It plays dead. */
  isSilent = false;

  private constructor(socket: Socket, zone: Readonly<Record<string, readonly DnsRecord[]>>) {
    this.#socket = socket;
    this.#zone = zone;
    socket.on('message', (query, { port, address }) => {
      if (!this.isSilent) {
        socket.send(this.#answer(query), port, address);
      }
    });
  }

  static async start(zone: Readonly<Record<string, readonly DnsRecord[]>>): Promise<DnsServer> {
    const socket = createSocket('udp4');
    await new Promise<void>(bound => socket.bind(0, '127.0.0.1', bound));
    return new DnsServer(socket, zone);
  }

  /** As an engine wants it. */
  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  close(): Promise<void> {
    return new Promise(closed => this.#socket.close(() => closed()));
  }

  #answer(query: Buffer): Buffer {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const name = labels.join('.').toLowerCase();
    const type = query.readUInt16BE(at + 1);
    const typeName = Object.entries(TYPES).find(([, code]) => code === type)?.[0] ?? String(type);
    this.asked.push(`${typeName} ${name}`);
    const known = this.#zone[name];
    const records = (known ?? []).filter(record => TYPES[record.type] === type);
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    // A recursive answer; 3: there is no such name.
    header.writeUInt16BE(0x8180 | (known === undefined ? 3 : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    return Buffer.concat([header, query.subarray(12, at + 5), ...records.map(encode)]);
  }
}

function encode(record: DnsRecord): Buffer {
  const data = encodeData(record);
  const head = Buffer.alloc(12);
  // The name of the question.
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(TYPES[record.type], 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(record.type === 'A' ? (record.ttlS ?? 60) : 60, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function encodeData(record: DnsRecord): Buffer {
  switch (record.type) {
    case 'A':
      return Buffer.from(record.address.split('.').map(Number));
    case 'SRV':
      return Buffer.concat([
        numbers(record.priority, record.weight, record.port),
        domain(record.name),
      ]);
    case 'NAPTR':
      return Buffer.concat([
        numbers(record.order, record.preference),
        text('s'),
        text(record.service),
        text(''),
        domain(record.replacement),
      ]);
  }
}

function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, i) => bytes.writeUInt16BE(value, i * 2));
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')]);
}

function domain(name: string): Buffer {
  const labels = name === '' ? [] : name.split('.');
  return Buffer.concat([...labels.map(text), Buffer.from([0])]);
}
