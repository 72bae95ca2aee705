import { variablesOf, type DashboardFile, type Panel } from '../../infra/grafana/dashboard-file.ts';

/** What InfluxDB answers, for each value of the tags. */
export interface Series {
  tags?: Record<string, string>;
  /** Each begins with its time. */
  values: (string | number | null)[][];
}

export type Influxql = (statement: string) => Promise<Series[]>;

/** The least that Grafana takes, as the provisioned data source says; that of a range of minutes. */
const stepSeconds = 5;

/** Asks for a dashboard what Grafana would ask, with everything chosen that can be. */
export class Viewer {
  readonly #influxql: Influxql;
  readonly #timeFilter: string;
  #choices: Record<string, string> = {};

  constructor(influxql: Influxql, fromMs: number, toMs: number) {
    this.#influxql = influxql;
    this.#timeFilter = `time >= ${fromMs}ms and time <= ${toMs}ms`;
  }

  /** Finds the values of the variables. @throws when one has none */
  async open(dashboard: DashboardFile): Promise<void> {
    this.#choices = {};
    for (const { name, query, allValue } of variablesOf(dashboard)) {
      const found = await this.#ask(query.query);
      const [, value] = found[0]?.values[0] ?? [];
      if (value === undefined) throw new Error(`the variable ${name} has no values`);
      this.#choices[name] = allValue ?? String(value);
    }
  }

  /** For each query of a panel the series in which there is something to draw: a point, or a row, without a gap. */
  look(panel: Panel): Promise<Series[][]> {
    return Promise.all(
      panel.targets.map(async ({ query }) => {
        const series = await this.#ask(query);
        return series.filter(({ values }) => values.some(([, ...drawn]) => !drawn.includes(null)));
      }),
    );
  }

  #ask(query: string): Promise<Series[]> {
    const known: Record<string, string> = {
      ...this.#choices,
      timeFilter: this.#timeFilter,
      __interval: `${stepSeconds}s`,
      __interval_ms: String(stepSeconds * 1_000),
    };
    return this.#influxql(query.replaceAll(/\$(\w+)/g, (whole, name: string) => known[name] ?? whole));
  }
}
