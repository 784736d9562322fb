import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { ConfigError, loadConfig, loadWithSources, parseConfig } from '#config';
import { noopLogger, systemClock } from '#core';

import { SettingsStore, type UserEvent } from '../../src/settings-store';
import { ManualClock } from '../support/manual-clock';

const YAML = `
providers: { lab: { targets: ['sip:srs'] }, other: { targets: ['sip:srs2'] } }
organisations:
  acme:
    provider: lab
    locations: { berlin: { region: eu } }
    usersFile: USERS
    users:
      alice: { identities: ['sip:alice@example.com', '1001'], recording: { mode: always } }
`;

describe('SettingsStore', () => {
  let folder: string;
  let file: string;
  let overlayFile: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'settings-'));
    file = path.join(folder, 'gateway.yaml');
    overlayFile = path.join(folder, 'gateway.overlay.yaml');
    writeFileSync(
      path.join(folder, 'users.jsonl'),
      '{"id": "bob", "identities": ["+15550101"], "recording": {"mode": "on-demand"}}\n',
    );
    write(YAML);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function write(yaml: string): void {
    writeFileSync(file, yaml.replace('USERS', path.join(folder, 'users.jsonl')));
  }

  function open(): SettingsStore {
    return new SettingsStore(loadWithSources({ file, env: {} }), {
      clock: new ManualClock(),
      logger: noopLogger,
    });
  }

  function eventsOf(store: SettingsStore): string[] {
    const events: string[] = [];
    store.onChange({ user: ({ kind, user }: UserEvent) => events.push(`${kind} ${user.userId}`) });
    return events;
  }

  async function change(store: SettingsStore, user: string, settings: object): Promise<void> {
    await store.change({ organisations: { acme: { users: { [user]: settings } } } });
  }

  test('a reload puts a whole new snapshot in the place of the old one, which stays as it was', async () => {
    const store = open();
    const before = store.current;
    write(YAML.replace('mode: always', 'mode: never'));
    const { snapshot } = await store.reload();
    expect(store.current).toBe(snapshot);
    expect(snapshot.version).toBe(before.version + 1);
    expect(snapshot.session.findUser('1001')?.mode).toBe('never');
    expect(before.session.findUser('1001')?.mode).toBe('always');
  });

  test('a bad file changes nothing and says why', async () => {
    const store = open();
    const before = store.current;
    write(YAML.replace('mode: always', 'mode: sometimes'));
    await expect(store.reload()).rejects.toThrow(
      /gateway\.yaml:9: organisations\.acme\.users\.alice/,
    );
    expect(store.current).toBe(before);
  });

  test('names what only a restart changes, and refuses media networks that do not exist yet', async () => {
    const store = open();
    write(`${YAML}admin: { port: 9999 }\nmedia: { workers: 2, anchor: when-recordable }\n`);
    expect((await store.reload()).needsRestart).toEqual(['media.workers', 'admin.port']);
    expect(store.current.session.callPolicy.anchor).toBe('when-recordable');
    write(
      YAML.replace("['sip:srs']", "['sip:srs'], network: wan") +
        'media: { networks: { default: { bindHost: 127.0.0.1 }, wan: { bindHost: 127.0.0.2 } } }\n',
    );
    await expect(store.reload()).rejects.toThrow(
      'names the network "wan", which exists only after a restart',
    );
  });

  test('a change counts at once, is kept in the overlay and survives a new start', async () => {
    const store = open();
    const before = store.current;
    await change(store, 'bob', { recording: { mode: 'always', notification: 'beep' } });
    expect(store.current.session.findUser('+15550101')).toMatchObject({
      mode: 'always',
      notification: 'beep',
    });
    expect(before.session.findUser('+15550101')?.mode).toBe('on-demand');
    expect(store.current.session.findUser('1001')?.mode).toBe('always');
    expect(readFileSync(overlayFile, 'utf8')).toContain('mode: always');
    expect(open().user('acme', 'bob')).toMatchObject({ mode: 'always', notification: 'beep' });
  });

  test('disabling a user drops its recording settings from the overlay and tells the provisioning', async () => {
    const store = open();
    const events = eventsOf(store);
    await change(store, 'bob', { recording: { mode: 'always' }, dubberPlan: 'ai' });
    await change(store, 'bob', { recording: { enabled: false } });
    expect(store.user('acme', 'bob')).toMatchObject({
      notRecordedBecause: 'recording-disabled',
      dubberPlan: 'ai',
    });
    expect(readFileSync(overlayFile, 'utf8')).not.toContain('mode');
    await change(store, 'bob', { recording: { enabled: null } });
    expect(store.user('acme', 'bob')).toMatchObject({
      mode: 'on-demand',
      notRecordedBecause: null,
    });
    expect(events).toEqual(['user.disabled bob', 'user.enabled bob']);
  });

  test('settings of organisations and locations can be changed, for users in them too', async () => {
    const store = open();
    await store.change({ organisations: { acme: { provider: 'other', language: 'es' } } });
    expect(store.user('acme', 'bob')).toMatchObject({ providerId: 'other', language: 'es' });
    expect(store.current.session.findUser('1001')?.providerId).toBe('other');
  });

  test.each([
    [{ recording: { mode: 'sometimes' } }, /overlay\.yaml: .*mode: must be never, always/],
    [
      { recording: { modes: 'always' } },
      /recording\.modes: is not a known key; did you mean mode\?/,
    ],
    [{ identities: ['1'] }, /identities: cannot be changed by the overlay/],
  ])('refuses the change %j, leaves no file and changes nothing', async (settings, message) => {
    const store = open();
    const before = store.current;
    await expect(change(store, 'alice', settings)).rejects.toThrow(message);
    expect(store.current).toBe(before);
    expect(existsSync(overlayFile)).toBe(false);
  });

  test('refuses to change a user who does not exist', async () => {
    await expect(change(open(), 'nobody', { recording: { mode: 'always' } })).rejects.toThrow(
      'users.nobody: is no user of the configuration',
    );
  });

  test('changes nothing when the overlay cannot be written', async () => {
    const store = open();
    const before = store.current;
    rmSync(folder, { recursive: true });
    await expect(change(store, 'alice', { recording: { mode: 'never' } })).rejects.toMatchObject({
      code: 'REC_ERR_CONFIG_OVERLAY_WRITE',
    });
    expect(store.current).toBe(before);
  });

  test('an overlay that a hand has broken is an error at load', () => {
    writeFileSync(
      overlayFile,
      'organisations: { acme: { users: { alice: { recording: { mode: x } } } } }\n',
    );
    expect(() => loadConfig({ file, env: {} })).toThrow(
      /gateway\.overlay\.yaml:1: organisations\.acme\.users\.alice\.recording\.mode: must be never/,
    );
    writeFileSync(overlayFile, 'sip: {}\n');
    expect(() => loadConfig({ file, env: {} })).toThrow('sip: cannot be changed by the overlay');
  });

  test('a configuration that came from no file can neither be reloaded nor changed', async () => {
    const store = new SettingsStore(parseConfig('', 'x'), {
      clock: new ManualClock(),
      logger: noopLogger,
    });
    await expect(store.reload()).rejects.toThrow('came from no file');
    await expect(store.change({})).rejects.toThrow('came from no file');
  });

  test('tells of users who come, go, are switched on and off by a reload', async () => {
    const store = open();
    const events = eventsOf(store);
    write(YAML.replace('mode: always', 'enabled: false'));
    writeFileSync(path.join(folder, 'users.jsonl'), '{"id": "carol", "identities": ["1003"]}\n');
    await store.reload();
    expect(events).toEqual(['user.disabled alice', 'user.disabled bob', 'user.enabled carol']);
  });

  test('problems name the users file and its line', () => {
    writeFileSync(
      path.join(folder, 'users.jsonl'),
      '{"id": "bob", "identities": ["+15550101"]}\n{"id": "carol", "identities": [], "mode": "x"}\n{"id":"bob"}\n{\n[]\n{"identities": ["1"]}\n',
    );
    let problems: ConfigError['problems'] = [];
    try {
      open();
    } catch (error) {
      problems = error instanceof ConfigError ? error.problems : [];
    }
    expect(problems.map(p => [path.basename(p.source), p.line, p.path, p.message])).toEqual([
      ['users.jsonl', 2, 'organisations.acme.users.carol.identities', 'must have at least 1 entry'],
      [
        'users.jsonl',
        2,
        'organisations.acme.users.carol.mode',
        expect.stringContaining('is not a known key'),
      ],
      ['users.jsonl', 3, '', 'is the user bob again, who is in line 1'],
      ['users.jsonl', 4, '', 'is not valid JSON; write one object a line'],
      ['users.jsonl', 5, '', 'must be an object such as {"id": "alice", "identities": ["1001"]}'],
      ['users.jsonl', 6, '', 'has no id: the name of the user'],
    ]);
  });

  describe('with very many users', () => {
    const USERS = 6_000;
    const id = (i: number): string => `u${String(i).padStart(6, '0')}`;

    function writeUsers(mode: string, users = USERS): void {
      const rows = Array.from({ length: users }, (_, i) => `${id(i)},${1_000_000 + i},${mode}`);
      const csv = path.join(folder, 'users.csv');
      writeFileSync(csv, ['id,identities,recording.mode', ...rows].join('\n'));
      writeFileSync(file, YAML.replace('USERS', csv));
    }

    function openLive(): SettingsStore {
      const loaded = loadWithSources({ file, env: {} });
      return new SettingsStore(loaded, { clock: systemClock, logger: noopLogger });
    }

    const modeOf = (store: SettingsStore): string | undefined =>
      store.current.session.findUser('1000007')?.mode;

    test('a reload leaves the thread free: calls go on meanwhile, with the old settings', async () => {
      writeUsers('always');
      const store = openLive();
      writeUsers('never');
      const over = new AbortController();
      const reloaded = store.reload().finally(() => over.abort());
      let turns = 0;
      while (!over.signal.aborted) {
        expect(modeOf(store)).toBe('always');
        turns += 1;
        await new Promise(resolve => setImmediate(resolve));
      }
      await reloaded;
      expect(modeOf(store)).toBe('never');
      // At once it would be two turns of the loop.
      expect(turns).toBeGreaterThan(20);
    }, 60_000);

    test('a change that comes meanwhile waits for its turn and is not lost; a bad file hinders nobody', async () => {
      writeUsers('always');
      const store = openLive();
      writeUsers('never');
      const reloads = [store.reload(), store.reload()];
      const changed = change(store, id(7), { recording: { mode: 'on-demand' } });
      const [first, second] = await Promise.all(reloads);
      expect(second).toBe(first);
      await changed;
      expect([modeOf(store), store.current.version]).toEqual(['on-demand', 3]);
      expect(openLive().user('acme', id(7))?.mode).toBe('on-demand');

      writeUsers('sometimes', 10);
      await expect(store.reload()).rejects.toThrow(/users\.csv:2: .*recording\.mode/);
      await change(store, id(7), { recording: { mode: 'always' } });
      expect(modeOf(store)).toBe('always');
    }, 60_000);

    test('what is wrong with users far down a file is told with their lines', () => {
      writeUsers('always');
      const csv = path.join(folder, 'users.csv');
      const lines = readFileSync(csv, 'utf8').split('\n');
      lines[3_001] = `${id(3_000)},1000005,always`;
      lines[5_001] = `${id(5_000)},,sometimes`;
      writeFileSync(csv, lines.join('\n'));
      expect(() => openLive()).toThrow(
        expect.objectContaining({
          problems: [
            expect.objectContaining({
              line: 3_002,
              path: `organisations.acme.users.${id(3_000)}.identities[0]`,
            }),
            expect.objectContaining({
              line: 5_002,
              path: `organisations.acme.users.${id(5_000)}.identities`,
            }),
            expect.objectContaining({
              line: 5_002,
              path: `organisations.acme.users.${id(5_000)}.recording.mode`,
            }),
          ] as unknown,
        }) as Error,
      );
    }, 60_000);
  });

  test('100 000 users of a CSV file load and are each found', () => {
    const users = path.join(folder, 'users.csv');
    const rows = Array.from({ length: 100_000 }, (_, i) => {
      const n = String(i).padStart(6, '0');
      return `u${n},+1555${n}|sip:u${n}@example.com|${i},berlin,always,true`;
    });
    writeFileSync(
      users,
      ['id,identities,location,recording.mode,recording.recordVoicemail', ...rows].join('\n'),
    );
    writeFileSync(file, YAML.replace('USERS', users).replace(", '1001'", ''));
    const { session } = open().current;
    for (let i = 0; i < 100_000; i += 997) {
      const n = String(i).padStart(6, '0');
      expect(session.findUser(`sip:+1555${n}@anywhere;user=phone`)?.userId).toBe(`u${n}`);
      expect(session.findUser(`tel:${i}`)).toMatchObject({
        userId: `u${n}`,
        recordVoicemail: true,
      });
    }
    expect(session.findUser('+1555100000')).toBeNull();
  }, 120_000);
});
