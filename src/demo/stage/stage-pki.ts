import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type Clock } from '#core';

import { type Certificate, LabCa } from '../../lab';
import { HOST } from './places';

/** Files of a certificate, for configurations. */
export interface CertificateFiles extends Certificate {
  readonly certPath: string;
  readonly keyPath: string;
}

/** Certificates of a stage, made when they are asked for. Their files lie outside the evidence, which holds no keys. */
export class StagePki {
  readonly #clock: Clock;
  readonly #cas = new Map<string, LabCa>();
  readonly #issued = new Map<string, CertificateFiles>();
  #folder: string | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Certificate of a CA, PEM; the CA is new on each stage. */
  ca(name: string): string {
    return this.#ca(name).cert;
  }

  /** Path of that certificate. */
  caPath(name: string): string {
    return this.#write(`${name}-ca.crt`, this.ca(name));
  }

  /** The certificate for this machine that a CA has issued to somebody; the same each time. */
  issued(ca: string, owner: string): CertificateFiles {
    const id = `${ca}-${owner}`;
    const known = this.#issued.get(id);
    if (known !== undefined) {
      return known;
    }
    const certificate = this.#ca(ca).issue(owner, [HOST]);
    const files = {
      ...certificate,
      certPath: this.#write(`${id}.crt`, certificate.cert),
      keyPath: this.#write(`${id}.key`, certificate.key),
    };
    this.#issued.set(id, files);
    return files;
  }

  /** Removes the files. */
  close(): void {
    if (this.#folder !== null) {
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }

  #ca(name: string): LabCa {
    const ca = this.#cas.get(name) ?? new LabCa(name, this.#clock);
    this.#cas.set(name, ca);
    return ca;
  }

  #write(file: string, text: string): string {
    this.#folder ??= mkdtempSync(join(tmpdir(), 'siprec-demo-tls-'));
    const path = join(this.#folder, file);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }
}
