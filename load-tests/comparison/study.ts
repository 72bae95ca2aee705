/**
 * The figures of a published student study of the two architectures, in an implementation of its own on an 8-core laptop. One figure
 * each: how far its runs lay apart is not known.
 */
export interface StudyFigures {
  avgMs: number;
  p90Ms: number;
  p95Ms: number;
  cpuPercent: number;
  memoryMb: number;
  failedPercent: number;
  requestsPerSecond: number;
}

export const study: Record<number, Record<string, StudyFigures>> = {
  250: {
    sync: {
      avgMs: 1_600,
      p90Ms: 3_430,
      p95Ms: 4_130,
      cpuPercent: 2.5,
      memoryMb: 163.72,
      failedPercent: 0,
      requestsPerSecond: 114.34,
    },
    async: {
      avgMs: 753,
      p90Ms: 1_220,
      p95Ms: 1_540,
      cpuPercent: 3.56,
      memoryMb: 363,
      failedPercent: 4.48,
      requestsPerSecond: 153.2,
    },
  },
  500: {
    sync: {
      avgMs: 2_220,
      p90Ms: 4_970,
      p95Ms: 6_860,
      cpuPercent: 3.2,
      memoryMb: 133.36,
      failedPercent: 13.27,
      requestsPerSecond: 107.49,
    },
    async: {
      avgMs: 1_200,
      p90Ms: 2_060,
      p95Ms: 2_420,
      cpuPercent: 5,
      memoryMb: 166.82,
      failedPercent: 14.32,
      requestsPerSecond: 136.71,
    },
  },
};

/** The stacks that the study compared; as here, with a process for each instance of a service. */
export const studied = Object.keys(study[250]!);

/** Those of some stacks that the study had, too. */
export const studiedIn = (stacks: string[]): string[] => stacks.filter((stack) => studied.includes(stack));
