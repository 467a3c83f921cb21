/** In which zone moments are told: the reader's, UTC, or as an age. */
export type Zone = "local" | "utc";

interface Fields {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  milli: number;
}

/** A moment: `14:05:14`, with the date in front when it is not today's. */
export function moment(at: number, now: number, zone: Zone = "local"): string {
  const then = fieldsOf(at, zone);
  const today = fieldsOf(now, zone);
  const clock = clockOf(then);
  return isSameDay(then, today) ? clock : `${dateOf(then)} ${clock}`;
}

/** The same to the millisecond: `14:05:14.880`. */
export function exactMoment(at: number, now: number, zone: Zone = "local"): string {
  return `${moment(at, now, zone)}.${pad(fieldsOf(at, zone).milli, 3)}`;
}

/** Hours and minutes for the axis of a chart: `14:05`. */
export function axisMoment(at: number, withSeconds: boolean): string {
  const clock = clockOf(fieldsOf(at, "local"));
  return withSeconds ? clock : clock.slice(0, 5);
}

function fieldsOf(at: number, zone: Zone): Fields {
  const date = new Date(at);
  const shifted = zone === "utc" ? date : new Date(at - date.getTimezoneOffset() * 60_000);
  return {
    year: shifted.getUTCFullYear(),
    month: shifted.getUTCMonth() + 1,
    day: shifted.getUTCDate(),
    hour: shifted.getUTCHours(),
    minute: shifted.getUTCMinutes(),
    second: shifted.getUTCSeconds(),
    milli: shifted.getUTCMilliseconds(),
  };
}

function isSameDay(one: Fields, other: Fields): boolean {
  return one.year === other.year && one.month === other.month && one.day === other.day;
}

function dateOf(fields: Fields): string {
  return `${fields.year}-${pad(fields.month, 2)}-${pad(fields.day, 2)}`;
}

function clockOf(fields: Fields): string {
  return `${pad(fields.hour, 2)}:${pad(fields.minute, 2)}:${pad(fields.second, 2)}`;
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}
