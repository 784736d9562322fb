import { InvalidArgumentError } from 'commander';
import { isIP } from 'node:net';

/** An address to listen on. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:5090`, `[::1]:5090` or only `5090` (loopback). Port 0: any free port. */
export function parseHostPort(text: string): HostPort {
  const match = /^(?:(?:\[([^\]]+)\]|([^:]+)):)?(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '127.0.0.1';
  const port = Number(match?.[3] ?? NaN);
  if (isIP(host) === 0 || !(port <= 65535)) {
    throw new InvalidArgumentError('It must be an IP address and a port, such as 127.0.0.1:5090.');
  }
  return { host, port };
}

/** A number within bounds; `unit` is for the message. */
export function numberBetween(min: number, max: number, unit: string): (text: string) => number {
  return text => {
    const value = /^\d{1,9}(\.\d{1,6})?$/.test(text) ? Number(text) : NaN;
    if (!(value >= min && value <= max)) {
      throw new InvalidArgumentError(`It must be a number from ${min} to ${max} (${unit}).`);
    }
    return value;
  };
}

/** A whole number within bounds. */
export function integerBetween(min: number, max: number, unit: string): (text: string) => number {
  const parse = numberBetween(min, max, unit);
  return text => {
    const value = parse(text);
    if (!Number.isInteger(value)) {
      throw new InvalidArgumentError(`It must be a whole number (${unit}).`);
    }
    return value;
  };
}

/** A SIP URI, checked roughly: the phone says more when it calls. */
export function parseSipUriArgument(text: string): string {
  if (!/^sips?:(?:[^\s@<>]+@)?[^\s@<>;]+(?:;[^\s<>]*)?$/i.test(text)) {
    throw new InvalidArgumentError('It must be a SIP URI, such as sip:1001@127.0.0.1:5060.');
  }
  return text;
}
