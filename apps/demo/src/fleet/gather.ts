/** Brings the fleet to rest and asks every process what it counted. */
import { readFile } from 'node:fs/promises';
import type { Clock } from '@leno/std';
import { parsePrometheus } from '@leno/telemetry';
import * as z from 'zod';
import type { CountsSnapshot } from '../app/counts.ts';
import type { LoadCounts } from '../load/load-generator.ts';
import type { Fleet } from './fleet.ts';
import { httpCall, httpJson } from './http-json.ts';
import type { Findings } from './report.ts';

const restDeadlineMs = 10_000;
const pollMs = 50;

const tally = z.record(z.string(), z.number());
const Counts: z.ZodType<CountsSnapshot> = z.object({
  role: z.string(),
  version: z.string(),
  received: z.number(),
  byRoute: tally,
  byClass: tally,
  byCaller: tally,
  byStatus: tally,
  calls: z.record(
    z.string(),
    z.object({ total: z.number(), failures: z.number(), byStatus: tally }),
  ),
  underWay: z.number(),
});

/** To be called when the load has ended. */
export async function gather(
  fleet: Fleet,
  load: LoadCounts,
  timing: { readonly clock: Clock; readonly durationS: number },
): Promise<Findings> {
  const { members, legacy, controlPlane } = fleet;
  if (legacy !== undefined) {
    await httpCall({ url: `http://${legacy.address}/pause`, method: 'POST' });
  }
  const addresses = members.map((it) => it.app.address);
  if (legacy !== undefined) addresses.push(legacy.address);
  const apps = await countsAtRest(addresses, timing.clock);
  const sidecars = await Promise.all(
    members.map(async ({ instance, sidecar }) => {
      const { text } = await httpCall({ url: `http://${sidecar.metrics}/metrics` });
      const samples = parsePrometheus(text);
      if (!samples.ok) throw new Error(`metrics of ${instance.id}: ${samples.error}`);
      return { role: instance.role, samples: samples.value };
    }),
  );
  const pids = members.map((it) => it.sidecar.process.pid);
  return {
    durationS: timing.durationS,
    load,
    apps,
    sidecars,
    status: await controlPlane.status(),
    proxyRssMiB: await Promise.all(pids.map(residentMiB)),
  };
}

/** Asks until nothing is under way anywhere: what is called without waiting must end too. */
async function countsAtRest(
  addresses: readonly string[],
  clock: Clock,
): Promise<readonly CountsSnapshot[]> {
  const deadlineMs = clock.nowMs() + restDeadlineMs;
  for (;;) {
    const counts = await Promise.all(
      addresses.map(async (it) =>
        Counts.parse(await httpJson({ url: `http://${it}/__demo/counts` })),
      ),
    );
    if (counts.every((it) => it.underWay === 0) || clock.nowMs() > deadlineMs) return counts;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** Linux only; 0 where there is no `/proc`. */
async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1_024;
}
