import { expect, test } from 'vitest';
import { readSettings } from './env.ts';
import { SettingsError } from './settings-error.ts';

const needed = {
  LENO_STATE_DIR: '/var/lib/leno',
  LENO_API_TOKEN_FILE: '/run/token',
  LENO_CA_PASSPHRASE_FILE: '/run/passphrase',
};

/** The lines of complaint, or the settings. */
function read(environment: Record<string, string | undefined>, flags: string[] = []) {
  try {
    return readSettings(environment, flags);
  } catch (thrown) {
    if (thrown instanceof SettingsError) return thrown.message.split('\n');
    throw thrown;
  }
}

test('what is needed is enough', () => {
  expect(read(needed)).toMatchObject({
    storePath: '/var/lib/leno/leno.db',
    trustDomain: 'mesh.local',
    apiListen: { host: '127.0.0.1', port: 9_901 },
    pushListen: { host: '0.0.0.0', port: 9_902 },
    leafTtlMs: 86_400_000,
    configDir: undefined,
    apiRead: 'loopback',
  });
});

test('flags win over the environment, in both spellings', () => {
  const flags = ['--store', 'sqlite:/x.db', '--api-listen=[::1]:0', '--leaf-ttl', '1h'];
  expect(read({ ...needed, LENO_STORE: 'sqlite:/y.db' }, flags)).toMatchObject({
    storePath: '/x.db',
    apiListen: { host: '::1', port: 0 },
    leafTtlMs: 3_600_000,
  });
});

test('everything that is wrong is said at once', () => {
  const wrong = { LENO_STORE: 'etcd:http://x', LENO_API_LISTEN: '99999', LENO_LEAF_TTL: '5' };
  const complaints = read({ ...needed, ...wrong, LENO_STATE_DIR: undefined }, [
    '--nonsense',
    '--log-level',
  ]);
  expect(complaints).toMatchObject([
    expect.stringContaining('"--nonsense" is not a flag'),
    expect.stringContaining('--log-level has no value'),
    expect.stringContaining('LENO_STORE is "etcd:http://x": etcd is not built yet'),
    expect.stringContaining('LENO_STATE_DIR is not set'),
    expect.stringContaining('LENO_API_LISTEN is "99999"'),
    expect.stringContaining('LENO_LEAF_TTL is "5"'),
  ]);
});
