/** Numbers as people read them. Digits are shown with `tabular-nums`; widths change only with the digit count. */

/** "1,230". Intl takes 3 to 6 ms to say so for the first time, in a page that waits for it. */
export function count(value: number): string {
  return `${Math.round(value)}`.replace(/\B(?=(?:\d{3})+$)/g, ",");
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
