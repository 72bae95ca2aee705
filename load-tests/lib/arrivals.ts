import { totalmem } from 'node:os';
import { countOf, tagValuesOf, trendOf, type K6Summary } from './k6-summary.ts';
import { measured, putLoad, type Target } from './load.ts';
import type { Trend } from './results.ts';
import type { Usage } from './usage.ts';

/** Journeys that begin so often, whether or not the shop keeps up with them. */
export interface Arrivals {
  name: string;
  /** Journeys a second. */
  rate: number;
  seconds: number;
  /** A quiet time afterwards, of which each second has its figures. */
  after?: { rate: number; seconds: number };
  /** More settings of arrivals.ts. */
  env?: Record<string, string>;
}

export interface ArrivalsResult {
  name: string;
  /** Journeys a second that were to begin, and for how long. */
  rate: number;
  seconds: number;
  /** Journeys that began in this time; k6 had no shopper free for the others. */
  arrived: number;
  /** Those of the whole run, with the time before and after, for which there was none. */
  dropped: number;
  /** Refused at their beginning, with when to come again; those of them who had logged in; and how long that took. */
  shed: number;
  shedAtCart: number;
  refusal: Trend | undefined;
  /** Journeys a second that were finished in this time. */
  journeysPerSecond: number;
  /** Of the whole run: anything else that went wrong. */
  wrong: number;
  /** Of what was answered as asked for, each step by its name, and of whole journeys. */
  steps: Record<string, Trend>;
  journey: Trend | undefined;
  after: AfterSecond[];
  usage: Usage[];
  k6CpuSeconds: number;
  complaints: string;
}

/** What those met who came in one second of the time after the crowd. */
export interface AfterSecond {
  arrived: number;
  shed: number;
  journey: Trend | undefined;
}

const rampSeconds = 5;
/**
 * So long a journey may take before k6 runs out of shoppers; and how many it can have, some 2 MB each. Not longer than it takes in a shop
 * that sheds: k6 goes round among all it has, and what they cost is taken from the shop beside it.
 */
const shopperSeconds = 9;
const shoppers = { least: 50, most: 3_000 };
/** Journeys that are under way when the load ends: they are to end by themselves. */
const endingSeconds = 65;
/**
 * Go's garbage collector goes through the memory of all shoppers at each of its turns; this has it take a fifth as many of them, unless memory
 * runs short. Of the closed loop that is the measure of it all as well.
 */
const garbage = { GOGC: '400', GOMEMLIMIT: `${Math.floor(totalmem() / 2)}B` };
/** A closed loop of so many, without think time, uses up the shop; an open load comes by their accounts. */
export const capacityVus = 500;

/** Puts an open load on a shop. Its shoppers have to be logged in lately (`LogIns`), 500 of them. */
export async function putArrivals(target: Target, arrivals: Arrivals): Promise<ArrivalsResult> {
  const { name, rate, seconds, after, env: more } = arrivals;
  const env = {
    BASE_URL: target.url,
    STACK: target.stack,
    RATE: String(rate),
    SECONDS: String(seconds),
    RAMP_SECONDS: String(rampSeconds),
    SHOPPERS: String(capacityVus),
    VUS: String(shoppersFor(rate)),
    ...(after ? { AFTER_RATE: String(after.rate), AFTER_SECONDS: String(after.seconds) } : {}),
    ...garbage,
    ...more,
  };
  const longest = rampSeconds + seconds + (after?.seconds ?? 0) + endingSeconds;
  const { run, usage, k6CpuSeconds } = await measured(target, 'arrivals.ts', env, longest);
  const figures = arrivalsFigures(run.summary, seconds, after?.seconds);
  return { name, rate, seconds, ...figures, usage, k6CpuSeconds, complaints: run.complaints };
}

export const shoppersFor = (rate: number): number =>
  Math.min(shoppers.most, Math.max(shoppers.least, Math.ceil(rate * shopperSeconds)));

/** Journeys a second that a shop finishes at most: those of a closed loop of 500 without think time. */
export async function capacityOf(target: Target, seconds: number): Promise<number> {
  const load = await putLoad(target, {
    name: 'capacity',
    script: 'checkout.ts',
    vus: capacityVus,
    seconds,
    env: garbage,
  });
  if (load.failed + load.wrong > 0) throw new Error(`a closed loop of ${capacityVus} had failures\n${load.complaints}`);
  return load.journeysPerSecond;
}

/** The figures of arrivals.ts. */
export function arrivalsFigures(summary: K6Summary, seconds: number, afterSeconds = 0) {
  const ofPhase = (phase: string) => ({
    arrived: countOf(summary, `arrived{phase:${phase}}`),
    shed: countOf(summary, `shed{phase:${phase}}`),
    journey: trendOf(summary, `journey_duration{phase:${phase}}`),
  });
  const steps = tagValuesOf(summary, 'http_req_duration', 'phase').flatMap((tags): [string, Trend][] => {
    const [, name] = /^load,name:(.+),expected_response:true$/.exec(tags) ?? [];
    const trend = name && trendOf(summary, `http_req_duration{phase:${tags}}`);
    return name && trend ? [[name, trend]] : [];
  });
  return {
    ...ofPhase('load'),
    shedAtCart: countOf(summary, 'shed{phase:load,name:create cart}'),
    dropped: countOf(summary, 'dropped_iterations'),
    refusal: trendOf(summary, 'refusal_duration{phase:load}'),
    journeysPerSecond: countOf(summary, 'journeys{phase:load}') / seconds,
    wrong: countOf(summary, 'wrong'),
    steps: Object.fromEntries(steps),
    after: Array.from({ length: afterSeconds }, (_, second) => ofPhase(`after-${second}`)),
  };
}
