import { documents, meshConfig, service } from './config.ts';
import { Depot } from './depot.ts';
import { type MeshApp, startMesh, type TestMesh } from './mesh.ts';

/** The depot behind a sidecar, and a service `web` whose sidecar real clients use to reach it. */
export interface DepotMesh {
  readonly depot: Depot;
  readonly mesh: TestMesh;
  readonly web: MeshApp;
  readonly shop: MeshApp;
  stop(): Promise<void>;
}

/** Starts it; the depot is dialled as `depot`. `policy` is more configuration. */
export async function startDepotMesh(policy = ''): Promise<DepotMesh> {
  const depot = new Depot();
  const port = await depot.listen();
  const mesh = await startMesh([
    { service: 'web' },
    { service: 'depot', env: { LENO_APP: `127.0.0.1:${port}` } },
  ]);
  const services = [service('web', { app: 'web' }), service('depot', { app: 'depot' })];
  await mesh.apply(documents(meshConfig(), ...services, ...(policy === '' ? [] : [policy])));
  await mesh.ready();
  const find = (name: string): MeshApp => {
    const found = mesh.apps.find((it) => it.service === name);
    if (found === undefined) throw new Error(`no ${name}`);
    return found;
  };
  return {
    depot,
    mesh,
    web: find('web'),
    shop: find('depot'),
    async stop() {
      depot.close();
      await mesh.stop();
    },
  };
}
