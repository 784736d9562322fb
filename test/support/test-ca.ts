import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Paths and texts of a certificate and its key. */
export interface TestCertificate {
  readonly certPath: string;
  readonly keyPath: string;
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority for one test file, made with `openssl` in a folder of its own. */
export class TestCa {
  readonly #folder = mkdtempSync(join(tmpdir(), 'test-ca-'));
  readonly certPath: string;
  readonly cert: string;
  #next = 1;

  constructor(name = 'Test CA') {
    this.certPath = join(this.#folder, 'ca.crt');
    this.#openssl(
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-keyout', join(this.#folder, 'ca.key'), '-out', this.certPath],
      ...['-days', '30', '-subj', `/CN=${name}`],
    );
    this.cert = readFileSync(this.certPath, 'utf8');
  }

  /**
   * @param names subjectAltName entries, e.g. `DNS:srs.example.com`, `IP:127.0.0.1`, `URI:sip:example.com`;
   *   empty: none
   */
  issue(names: readonly string[], commonName = 'test'): TestCertificate {
    const stem = join(this.#folder, `cert-${this.#next++}`);
    const [keyPath, requestPath, certPath] = [`${stem}.key`, `${stem}.csr`, `${stem}.crt`];
    this.#openssl(
      ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-keyout', keyPath, '-out', requestPath, '-subj', `/CN=${commonName}`],
    );
    const extensions = `${stem}.ext`;
    writeFileSync(extensions, names.length === 0 ? '' : `subjectAltName=${names.join(',')}\n`);
    this.#openssl(
      ...['x509', '-req', '-in', requestPath, '-CA', this.certPath],
      ...['-CAkey', join(this.#folder, 'ca.key'), '-CAcreateserial', '-days', '30'],
      ...['-extfile', extensions, '-out', certPath],
    );
    return {
      certPath,
      keyPath,
      cert: readFileSync(certPath, 'utf8'),
      key: readFileSync(keyPath, 'utf8'),
    };
  }

  /** Removes the files. */
  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #openssl(...parameters: string[]): void {
    const { status, stderr } = spawnSync('openssl', parameters, { encoding: 'utf8' });
    if (status !== 0) {
      throw new Error(`openssl ${parameters.join(' ')}: ${stderr}`);
    }
  }
}
