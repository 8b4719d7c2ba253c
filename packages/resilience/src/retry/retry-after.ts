/** `Retry-After` (RFC 9110 §10.2.3): seconds, or a date in one of the three forms of §5.6.7. */

const SECONDS = /^\d+$/;
const IMF_FIXDATE = /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
const RFC850_DATE =
  /^[A-Z][a-z]{5,8}, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
const ASCTIME_DATE = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/;

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
const DAY_MS = 86_400_000;
/** Greater counts of seconds are taken as this one, as caches do (RFC 9111 §1.2.2). */
const SECONDS_MAX = 2 ** 31;

/**
 * The wait that the value asks for, in milliseconds from `wallMs` (since 1970), never below 0; a
 * date that has passed is 0. Undefined if the value is not of the grammar; what then is the
 * caller's to say.
 */
export function parseRetryAfterMs(value: string, wallMs: number): number | undefined {
  const text = value.trim();
  if (SECONDS.test(text)) return Math.min(Number(text), SECONDS_MAX) * 1_000;
  const dateMs = parseHttpDateMs(text, wallMs);
  return dateMs === undefined ? undefined : Math.max(0, dateMs - wallMs);
}

interface DateParts {
  readonly day: string | undefined;
  readonly month: string | undefined;
  readonly year: number;
  /** Hours, minutes, seconds. */
  readonly time: readonly (string | undefined)[];
}

function parseHttpDateMs(text: string, wallMs: number): number | undefined {
  const imf = IMF_FIXDATE.exec(text);
  if (imf) return utcMs({ day: imf[1], month: imf[2], year: Number(imf[3]), time: imf.slice(4) });
  const asctime = ASCTIME_DATE.exec(text);
  if (asctime) {
    const [, month, day, ...time] = asctime;
    return utcMs({ day, month, year: Number(asctime[6]), time: time.slice(0, 3) });
  }
  const old = RFC850_DATE.exec(text);
  if (!old) return undefined;
  const century = Math.floor(new Date(wallMs).getUTCFullYear() / 100) * 100;
  const parts = { day: old[1], month: old[2], year: century + Number(old[3]), time: old.slice(4) };
  const dateMs = utcMs(parts);
  // §5.6.7: what seems more than 50 years ahead is meant for the century before.
  const isFar = dateMs !== undefined && dateMs > wallMs + 50 * 365.25 * DAY_MS;
  return isFar ? utcMs({ ...parts, year: parts.year - 100 }) : dateMs;
}

/**
 * Undefined unless every part is in its range; a leap second (60) is the first of the next minute.
 */
function utcMs({ day, month, year, time }: DateParts): number | undefined {
  const monthIndex = MONTHS.indexOf(month ?? '');
  const [hour = 0, minute = 0, second = 0] = time.map(Number);
  const date = Number(day);
  const midnight = new Date(0);
  midnight.setUTCFullYear(year, monthIndex, date);
  const isInRange = monthIndex >= 0 && hour <= 23 && minute <= 59 && second <= 60;
  if (!isInRange || midnight.getUTCDate() !== date) return undefined;
  return midnight.getTime() + ((hour * 60 + minute) * 60 + second) * 1_000;
}
