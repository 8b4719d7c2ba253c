const spiffeId = /^spiffe:\/\/[a-z0-9._-]{1,255}(\/[A-Za-z0-9._-]{1,255}){1,16}$/;

/**
 * For whom a forwarder calls, by its `X-Forwarded-Client-Cert`: the one URI of the newest element, for
 * the older ones are the words of those before it. '' if there is not exactly one SPIFFE id.
 */
export function spokenFor(header: string): string {
  const newest = splitOutsideQuotes(header, ',').at(-1) ?? '';
  const uris = splitOutsideQuotes(newest, ';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.toLowerCase().startsWith('uri='));
  const [uri = ''] = uris;
  const id = uri.slice('uri='.length);
  return uris.length === 1 && spiffeId.test(id) ? id : '';
}

/** Subjects stand in quotes, and may hold every separator. */
function splitOutsideQuotes(text: string, separator: string): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '\\' && isQuoted) at += 1;
    else if (character === '"') isQuoted = !isQuoted;
    else if (character === separator && !isQuoted) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  // Whoever was there before may have left a quote open, to have what came after taken for its own words.
  return isQuoted ? [] : [...parts, text.slice(start)];
}
