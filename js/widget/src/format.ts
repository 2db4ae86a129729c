/** Numbers as people read them. Digits are shown with `tabular-nums`; widths change only with the digit count. */

const grouped = new Intl.NumberFormat("en");

/** "1,230" */
export function count(value: number): string {
  return grouped.format(Math.round(value));
}

/** A latency: "312 ms", "2.61 s". */
export function latency(seconds: number): string {
  return seconds < 0.9995 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(2)} s`;
}

/** A duration that may tick: "1.8 s", "2 min 05 s". */
export function duration(seconds: number): string {
  if (seconds < 99.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/** Tokens per second: "8.4", "84", "1,230". */
export function rate(value: number): string {
  return value < 9.95 ? value.toFixed(1) : count(value);
}
