import type { ComponentChildren, JSX } from 'preact';
import { latency, percent, rate } from '../format.ts';
import type { Status } from '../live/api.ts';
import { history } from '../live/state.ts';
import { Curve } from './curve.tsx';
import { type Tone, toneOfRatio } from './mark.tsx';

/** The mesh in six figures. */
export function Figures({ status }: { readonly status: Status }): JSX.Element {
  const { traffic, proxies, instances } = status;
  const mtls: Tone = traffic.mtlsRatio === null ? 'idle' : traffic.mtlsRatio >= 1 ? 'good' : 'warn';
  const away = proxies.total - proxies.connected;
  return (
    <dl class="figures">
      <Figure name="Requests / s" note={`mean of ${traffic.windowS} s`}>
        {rate(traffic.rps)}
        <Curve values={history.value.map((it) => it.rps)} />
      </Figure>
      <Figure name="Success" tone={toneOfRatio(traffic.successRatio)} note="as the callers see it">
        {percent(traffic.successRatio)}
      </Figure>
      <Figure name="Mutual TLS" tone={mtls} note="of requests, by the sockets">
        {percent(traffic.mtlsRatio)}
      </Figure>
      <Figure name="Latency p99" note={`p50 ${latency(traffic.p50Ms)}`}>
        {latency(traffic.p99Ms)}
        <Curve values={history.value.map((it) => it.p99Ms)} />
      </Figure>
      <Figure
        name="Proxies"
        tone={away > 0 || proxies.rejected > 0 ? 'warn' : 'good'}
        note={away > 0 ? `${away} offline` : `${proxies.synced} synced`}
      >
        {proxies.connected}
        <span class="of"> / {proxies.total}</span>
      </Figure>
      <Figure
        name="Instances ready"
        tone={instances.notReady + instances.suspect > 0 ? 'warn' : 'good'}
        note={`${status.services} services`}
      >
        {instances.ready}
        <span class="of"> / {instances.ready + instances.notReady + instances.suspect}</span>
      </Figure>
    </dl>
  );
}

interface FigureProps {
  readonly name: string;
  readonly note: string;
  readonly tone?: Tone;
  readonly children: ComponentChildren;
}

function Figure({ name, note, tone = 'idle', children }: FigureProps): JSX.Element {
  return (
    <div class={`figure ${tone}`}>
      <dt>{name}</dt>
      <dd>{children}</dd>
      <dd class="note">{note}</dd>
    </div>
  );
}
