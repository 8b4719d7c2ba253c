/** The static table (RFC 7541 Appendix A): `name`, or `name=value`, by index from 1 on. */
const ENTRIES = `:authority :method=GET :method=POST :path=/ :path=/index.html :scheme=http
  :scheme=https :status=200 :status=204 :status=206 :status=304 :status=400 :status=404 :status=500
  accept-charset accept-encoding=gzip,_deflate accept-language accept-ranges accept
  access-control-allow-origin age allow authorization cache-control content-disposition
  content-encoding content-language content-length content-location content-range content-type
  cookie date etag expect expires from host if-match if-modified-since if-none-match if-range
  if-unmodified-since last-modified link location max-forwards proxy-authenticate
  proxy-authorization range referer refresh retry-after server set-cookie
  strict-transport-security transfer-encoding user-agent vary via www-authenticate`;

/** Names and values in order; the entry of index 1 comes first. */
export const staticEntries: readonly (readonly [name: string, value: string])[] = ENTRIES.split(
  /\s+/,
).map((entry) => {
  const [name = '', value = ''] = entry.split('=');
  return [name, value.replace('_', ' ')];
});

/** Index of the first entry of the dynamic table. */
export const DYNAMIC_INDEX_MIN = staticEntries.length + 1;
