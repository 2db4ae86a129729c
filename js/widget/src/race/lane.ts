/** One answer of a race as the kernel tells it: seconds from the start of the race. */
export interface Lane {
  readonly title: string;
  readonly state: string;
  readonly first: number | null;
  readonly end: number | null;
  /** It came to an end of its own: one that was stopped or failed takes no place. */
  readonly finished: boolean;
}

/** Lanes out of what came over the wire; what is not one is left out. */
export function readLanes(value: unknown): Lane[] {
  return Array.isArray(value) ? value.flatMap((item) => (isLane(item) ? [item] : [])) : [];
}

/** 1 for the earliest, and so on; null where there is no time. */
export function places(times: readonly (number | null)[]): (number | null)[] {
  return times.map((time) =>
    time === null ? null : 1 + times.filter((other) => other !== null && other < time).length,
  );
}

/** "1st" */
export function ordinal(place: number): string {
  const teen = [11, 12, 13].includes(place % 100);
  return `${place}${(teen ? "" : ["th", "st", "nd", "rd"][place % 10]) || "th"}`;
}

function isLane(item: unknown): item is Lane {
  if (typeof item !== "object" || item === null) return false;
  const lane = item as Record<keyof Lane, unknown>;
  const isTime = (value: unknown) => value === null || typeof value === "number";
  return (
    typeof lane.title === "string" &&
    typeof lane.state === "string" &&
    typeof lane.finished === "boolean" &&
    isTime(lane.first) &&
    isTime(lane.end)
  );
}
