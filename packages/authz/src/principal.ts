/** The parts of a SPIFFE id that policies name. */
export interface Principal {
  readonly id: string;
  readonly trustDomain: string;
  /** Undefined for an id that has not the form `spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE`. */
  readonly namespace: string | undefined;
}

const SCHEME = 'spiffe://';

/** Takes an id apart; it is compared octet by octet, since a trust domain has no upper case. */
export function principalOf(id: string): Principal {
  const rest = id.startsWith(SCHEME) ? id.slice(SCHEME.length) : '';
  const [trustDomain = '', ns, namespace, sa, service, ...more] = rest.split('/');
  const isWorkload = ns === 'ns' && sa === 'sa' && more.length === 0;
  const isWhole = isWorkload && namespace !== '' && service !== undefined && service !== '';
  return { id, trustDomain, namespace: isWhole ? namespace : undefined };
}
